// Portolan's Ascend C subset for its emulator: the basic API's names, types and limits, none of its code.
//
// Kernels that use only what is declared here are meant to compile unchanged with Huawei's own headers.
#pragma once
#include "portolan/cube.h"
