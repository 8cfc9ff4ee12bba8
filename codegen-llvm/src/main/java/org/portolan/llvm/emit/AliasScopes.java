package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Metadata that says of each buffer parameter that it overlaps none of the others, so that loads may move over
/// stores to other buffers.
final class AliasScopes {
    private final List<String> metadata = new ArrayList<>();

    AliasScopes(ModuleText module, String kernel, int buffers) {
        if (buffers < 2) {
            metadata.addAll(Collections.nCopies(buffers, ""));
            return;
        }
        var domain = module.metadata("distinct !{!self, !\"" + kernel + "\"}");
        var scopes = new ArrayList<String>();
        for (int i = 0; i < buffers; i++) {
            scopes.add(module.metadata("distinct !{!self, " + domain + "}"));
        }
        for (int i = 0; i < buffers; i++) {
            var others = new ArrayList<>(scopes);
            others.remove(i);
            metadata.add(", !alias.scope " + module.metadata("!{" + scopes.get(i) + "}") + ", !noalias "
                    + module.metadata("!{" + String.join(", ", others) + "}"));
        }
    }

    /// What the loads and stores of a buffer are annotated with.
    String of(int buffer) {
        return metadata.get(buffer);
    }
}
