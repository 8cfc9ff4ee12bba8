package org.portolan.runtime.selftest;

import java.util.List;
import java.util.OptionalLong;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What a pack holds: compiled cases for one target, with what they are given and what they must give. A pack is a ZIP
/// archive; {@value #CONTENTS} is this record, and every {@code entry} another file of the archive.
///
/// @param target as it was compiled for, for example {@code cuda:sm_90}
/// @param peer entry of a Python script that does the measured work by another library, so that both stand in one table;
///     empty: none
/// @param suite the kernels of the device suite
public record Pack(String target, List<Case> cases, String peer, Suite suite) {
    public static final String CONTENTS = "pack.json";
    static final long VERSION = 3;

    public Pack {
        cases = List.copyOf(cases);
    }

    /// Entries of the two images of {@link org.portolan.runtime.selftest.suite.SuiteImages}; empty: the suite is not in the pack.
    public record Suite(String kernels, String others) {
        public static final Suite NONE = new Suite("", "");
    }

    /// What is looked at.
    public enum Kind {
        /// The outputs.
        CHECK,
        /// The outputs, by the rule of ONNX's own cases: each element on its own, within 1e-7 beside the tolerance.
        CONFORMANCE,
        /// The error that the run ends with.
        FAILURE,
        /// The time of a run.
        MODEL,
        /// The time of one link of a chain of equal operations: that of a long chain less that of a short one.
        SPEED
    }

    /// A compiled function with one set of inputs.
    ///
    /// @param plan entry of the plan's text
    /// @param weights in the order in which the program file has them
    /// @param outputs what must come out; of those that are not named anything may
    /// @param failure the code of {@link org.portolan.runtime.device.KernelError} that is expected; 0 for none
    /// @param tolerance a number may differ by this times the largest expected one of its tensor; of a case of
    ///     {@link Kind#CONFORMANCE}, times the expected one itself
    /// @param speed for {@link Kind#SPEED}
    public record Case(
            String name,
            Kind kind,
            String plan,
            List<Image> images,
            List<Weight> weights,
            List<Data> inputs,
            List<Data> outputs,
            int failure,
            double tolerance,
            Speed speed) {
        public Case {
            images = List.copyOf(images);
            weights = List.copyOf(weights);
            inputs = List.copyOf(inputs);
            outputs = List.copyOf(outputs);
        }
    }

    /// @param family what is measured, at several sizes; runs of models of one family are given inputs that begin alike
    /// @param series the size; cases of one series differ in the number of links
    /// @param operations floating-point operations of one link
    /// @param scale what the result of a link is multiplied by, so that numbers keep their size
    /// @param work what a link does
    public record Speed(String family, String series, int links, double operations, double scale, Work work) {
        public static final Speed NONE = new Speed("", "", 0, 0, 0, Work.NONE);
    }

    /// What can be measured.
    public enum Operation {
        NONE,
        /// {@code scale * a x previous} of square matrices; the shape is their extent.
        PRODUCT,
        /// {@code scale *} softmax of the scores, themselves divided by the root of the size, times the values, with the result
        /// of the link before as queries; the shape is heads, length and size.
        ATTENTION,
        /// A run of a model with the structure of MiniLM; the shape is sentences and tokens.
        ENCODER
    }

    /// An operation and its size, for whoever else is to do it.
    public record Work(Operation operation, ElementType type, List<Long> shape) {
        public static final Work NONE = new Work(Operation.NONE, ElementType.F32, List.of());

        public Work {
            shape = List.copyOf(shape);
        }
    }

    /// Kernels for one device.
    public record Image(String driver, List<String> requires, String entry) {
        public Image {
            requires = List.copyOf(requires);
        }
    }

    /// Elements of a tensor, row-major: in an entry, or made on the spot from a seed.
    public record Data(String name, ElementType type, List<Long> shape, OptionalLong seed, String entry) {
        public Data {
            shape = List.copyOf(shape);
        }
    }

    /// A constant as the kernels read it.
    ///
    /// @param data row-major where the layout is made here, else as it lies in memory
    /// @param indices names for the indices of an element; none where the row-major order stays
    /// @param layout the place of an element in memory, by its indices
    /// @param physical the extents there
    public record Weight(Data data, List<String> indices, List<Dim> layout, List<Long> physical) {
        public Weight {
            indices = List.copyOf(indices);
            layout = List.copyOf(layout);
            physical = List.copyOf(physical);
        }
    }
}
