package org.portolan.ir;

/// How two numbers are compared. With a NaN only {@link #NOT_EQUAL} holds.
public enum Relation {
    EQUAL,
    NOT_EQUAL,
    LESS,
    LESS_OR_EQUAL,
    GREATER,
    GREATER_OR_EQUAL
}
