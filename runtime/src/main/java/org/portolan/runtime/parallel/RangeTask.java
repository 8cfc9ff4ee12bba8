package org.portolan.runtime.parallel;

/// Work on a part of a range; called for disjoint parts by several threads at once.
@FunctionalInterface
public interface RangeTask {
    void run(long begin, long end);
}
