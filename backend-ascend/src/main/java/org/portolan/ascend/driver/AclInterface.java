package org.portolan.ascend.driver;

import java.util.Map;

/// The functions of AscendCL's public C interface that this driver calls, with what they take: `p` a pointer or a handle,
/// `i` a number of 32 bits, `l` one of 64. All give a code of 32 bits, but those of {@link #TEXTS}, which give a text.
final class AclInterface {
    static final Map<String, String> CODES = Map.ofEntries(
            Map.entry("aclInit", "p"),
            Map.entry("aclrtBinaryGetFunction", "ppp"),
            Map.entry("aclrtBinaryLoadFromFile", "ppp"),
            Map.entry("aclrtBinaryUnLoad", "p"),
            Map.entry("aclrtCreateEventWithFlag", "pi"),
            Map.entry("aclrtCreateStream", "p"),
            Map.entry("aclrtDestroyEvent", "p"),
            Map.entry("aclrtDestroyStream", "p"),
            Map.entry("aclrtFree", "p"),
            Map.entry("aclrtGetDeviceCount", "p"),
            Map.entry("aclrtGetDeviceInfo", "iip"),
            Map.entry("aclrtGetMemInfo", "ipp"),
            Map.entry("aclrtKernelArgsAppend", "pplp"),
            Map.entry("aclrtKernelArgsAppendPlaceHolder", "pp"),
            Map.entry("aclrtKernelArgsFinalize", "p"),
            Map.entry("aclrtKernelArgsGetPlaceHolderBuffer", "pplp"),
            Map.entry("aclrtKernelArgsInit", "pp"),
            Map.entry("aclrtLaunchKernelWithConfig", "pipppp"),
            Map.entry("aclrtMalloc", "pli"),
            Map.entry("aclrtMemcpy", "plpli"),
            Map.entry("aclrtMemcpyAsync", "plplip"),
            Map.entry("aclrtMemset", "plil"),
            Map.entry("aclrtQueryEventStatus", "pp"),
            Map.entry("aclrtRecordEvent", "pp"),
            Map.entry("aclrtSetDevice", "i"),
            Map.entry("aclrtSynchronizeEvent", "p"),
            Map.entry("aclrtSynchronizeStream", "p"),
            // Compiling in the process: a library of its own.
            Map.entry("aclrtcCompileProg", "pip"),
            Map.entry("aclrtcCreateProg", "pppipp"),
            Map.entry("aclrtcDestroyProg", "p"),
            Map.entry("aclrtcGetBinData", "pp"),
            Map.entry("aclrtcGetBinDataSize", "pp"),
            Map.entry("aclrtcGetCompileLog", "pp"),
            Map.entry("aclrtcGetCompileLogSize", "pp"));

    static final Map<String, String> TEXTS = Map.of("aclGetRecentErrMsg", "", "aclrtGetSocName", "");

    private AclInterface() {}

    /// What is wrong with a call; {@code null} if nothing is. A wrong argument would be memory that somebody else reads.
    static String misfit(String function, Object... arguments) {
        var wanted = CODES.getOrDefault(function, TEXTS.get(function));
        var given = new StringBuilder();
        for (var argument : arguments) {
            given.append(argument instanceof Integer ? 'i' : argument instanceof Long ? 'l' : 'p');
        }
        // What is not AscendCL's is the caller's affair.
        return !function.startsWith("acl") || given.toString().equals(wanted) ? null : function + " takes (" + wanted + "), and was given (" + given + ")";
    }
}
