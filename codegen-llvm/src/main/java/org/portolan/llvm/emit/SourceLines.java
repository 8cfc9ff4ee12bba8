package org.portolan.llvm.emit;

import java.util.HashMap;
import java.util.Map;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;

/// Says of each instruction which line of its kernel's text it is from, as LLVM's metadata. The file is the kernel's name with
/// `.tile` behind it, in no folder, so that the same kernel gives the same bytes wherever it is compiled.
final class SourceLines {
    private static final SourceLines NONE = new SourceLines(null, Map.of(), "", "");

    private final ModuleText module;
    private final Map<Op, Integer> lines;
    private final Map<Integer, String> places = new HashMap<>();
    private final String scope;
    private final String first;

    private SourceLines(ModuleText module, Map<Op, Integer> lines, String scope, String first) {
        this.module = module;
        this.lines = lines;
        this.scope = scope;
        this.first = first;
    }

    /// How much a debugger is told, in LLVM's words.
    enum Detail {
        /// A table in a section of the object file.
        LINE_TABLES_ONLY("LineTablesOnly"),
        /// Directives in the assembly, and no section.
        DIRECTIVES_ONLY("DebugDirectivesOnly");

        private final String word;

        Detail(String word) {
            this.word = word;
        }
    }

    /// @param lines where each operation stands in the kernel's text, counted from 1, by identity; empty: nothing is said
    static SourceLines of(ModuleText module, TileOp.Kernel kernel, Map<Op, Integer> lines, Detail detail) {
        if (lines.isEmpty()) {
            return NONE;
        }
        var name = kernel.name().replaceAll("[^A-Za-z0-9_.-]", "_");
        var file = module.metadata("!DIFile(filename: \"" + name + ".tile\", directory: \"\")");
        // Lines and nothing else: types and variables of the text have no counterpart in a debugger.
        var unit = module.metadata("distinct !DICompileUnit(language: DW_LANG_C99, file: " + file + ", producer: \"portolan\", "
                + "isOptimized: true, runtimeVersion: 0, emissionKind: " + detail.word + ")");
        module.list("llvm.dbg.cu", unit);
        module.list("llvm.module.flags", module.metadata("!{i32 2, !\"Debug Info Version\", i32 3}"));
        var type = module.metadata("!DISubroutineType(types: " + module.empty() + ")");
        var scope = module.metadata("distinct !DISubprogram(name: \"" + name + "\", scope: " + file + ", file: " + file
                + ", line: 1, type: " + type + ", scopeLine: 1, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: " + unit
                + ")");
        var source = new SourceLines(module, lines, scope, "");
        return new SourceLines(module, lines, scope, source.place(1));
    }

    /// What stands behind the head of the function.
    String ofFunction() {
        return scope.isEmpty() ? "" : " !dbg " + scope;
    }

    /// What stands behind an instruction in front of all operations.
    String first() {
        return first;
    }

    /// What stands behind an instruction that an operation becomes.
    ///
    /// @param otherwise for operations that are not in the text
    String of(Op op, String otherwise) {
        var line = lines.get(op);
        return line == null ? otherwise : places.computeIfAbsent(line, this::place);
    }

    private String place(int line) {
        return ", !dbg " + module.metadata("!DILocation(line: " + line + ", scope: " + scope + ")");
    }
}
