package org.portolan.tests.filetests;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.interpreter.TileInterpreter;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;

/// Interprets a kernel with the intrinsics of the machines in its module. Arrays are put where the layouts of the
/// parameters have them; symbols are what the extents of the arrays say.
record KernelRun(TileOp.Kernel kernel, List<MachineOp.Intrinsic> intrinsics) {

    static Optional<KernelRun> find(List<Op> module, String name) {
        var intrinsics = new ArrayList<MachineOp.Intrinsic>();
        TileOp.Kernel found = null;
        for (var op : module) {
            if (op instanceof MachineOp.Chip chip) {
                chip.intrinsics().ops().forEach(inner -> intrinsics.add((MachineOp.Intrinsic) inner));
            } else if (op instanceof TileOp.Kernel kernel && kernel.name().equals(name)) {
                found = kernel;
            }
        }
        return Optional.ofNullable(found).map(kernel -> new KernelRun(kernel, intrinsics));
    }

    /// What the kernel stores in its last parameters.
    ///
    /// @param outputs arrays of the extents and types of the results; their elements are not used
    List<NdArray> run(List<NdArray> inputs, List<NdArray> outputs) {
        var logical = new ArrayList<>(inputs);
        outputs.forEach(output -> logical.add(zeros(output)));
        var symbols = new HashMap<String, Dim>();
        var params = kernel.body().params();
        for (int i = 0; i < params.size(); i++) {
            bind(params.get(i).buffer(), logical.get(i), symbols);
        }
        var packed = new ArrayList<NdArray>();
        for (int i = 0; i < params.size(); i++) {
            packed.add(TileInterpreter.pack(logical.get(i), fixed(params.get(i).buffer(), symbols)));
        }
        var extents = kernel.symbols().stream()
                .mapToLong(symbol -> symbols.get(symbol).constant().orElseThrow())
                .toArray();
        new TileInterpreter(kernel, intrinsics).run(packed, extents);
        var results = new ArrayList<NdArray>();
        for (int i = inputs.size(); i < params.size(); i++) {
            results.add(TileInterpreter.unpack(packed.get(i), fixed(params.get(i).buffer(), symbols)));
        }
        return results;
    }

    private static NdArray zeros(NdArray like) {
        var tensor = like.toTensor();
        var bytes = new byte[Math.toIntExact(tensor.data().byteSize())];
        return NdArray.of(Tensor.of(tensor.type(), MemorySegment.ofArray(bytes), tensor.shape()));
    }

    private static void bind(Type.Buffer type, NdArray array, Map<String, Dim> symbols) {
        for (int axis = 0; axis < type.rank(); axis++) {
            int extent = array.shape()[axis];
            type.dims().get(axis).symbolName().ifPresent(name -> symbols.putIfAbsent(name, Dim.of(extent)));
        }
    }

    /// The type with numbers for its symbols.
    private static Type.Buffer fixed(Type.Buffer type, Map<String, Dim> symbols) {
        return new Type.Buffer(
                type.element(),
                fixed(type.dims(), symbols),
                type.space(),
                type.layout().map(map -> {
                    var outer = new HashMap<>(symbols);
                    map.inputs().forEach(outer::remove);
                    return new IndexMap(map.inputs(), fixed(map.results(), outer));
                }),
                fixed(type.physical(), symbols));
    }

    private static List<Dim> fixed(List<Dim> dims, Map<String, Dim> symbols) {
        return dims.stream().map(dim -> dim.substitute(symbols::get)).toList();
    }
}
