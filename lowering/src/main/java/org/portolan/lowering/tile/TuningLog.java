package org.portolan.lowering.tile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.portolan.ir.text.IrSyntaxException;
import org.portolan.ir.text.RecordText;
import org.portolan.lowering.CompileException;

/// Schedules that somebody found to be better than what the {@link Scheduler} would choose: for a nest on a machine, the schedule.
///
/// The text has one entry a line, `{nest=.., machine=.., schedule={..}}`; lines that begin with `//` and empty lines are left
/// out. Of two entries for the same nest and machine the last one counts.
public final class TuningLog {
    /// A log without entries.
    public static final TuningLog EMPTY = new TuningLog(List.of());

    private final Map<List<String>, Schedule> schedules = new HashMap<>();

    /// One line of the log.
    ///
    /// @param nest the signature that {@link NestSignature} gives
    /// @param machine the name of a machine file
    public record Entry(String nest, String machine, Schedule schedule) {
        @Override
        public String toString() {
            return RecordText.print(this);
        }
    }

    public TuningLog(List<Entry> entries) {
        entries.forEach(entry -> schedules.put(List.of(entry.nest(), entry.machine()), entry.schedule()));
    }

    /// Reads a log.
    ///
    /// @param name what errors call the text
    /// @throws CompileException if a line is no entry; the message names it
    public static TuningLog parse(String text, String name) {
        var entries = new ArrayList<Entry>();
        var lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            var line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("//")) continue;
            try {
                entries.add(RecordText.parse(line, name, Entry.class));
            } catch (IrSyntaxException | IllegalArgumentException error) {
                throw new CompileException("tuning log " + name + ", line " + (i + 1) + ": " + error.getMessage());
            }
        }
        return new TuningLog(entries);
    }

    /// Reads a log from a file.
    ///
    /// @throws CompileException if it cannot be read, or a line is no entry
    public static TuningLog read(Path file) {
        try {
            return parse(Files.readString(file), file.toString());
        } catch (IOException error) {
            throw new CompileException("tuning log " + file + " cannot be read: " + error.getMessage());
        }
    }

    /// The text that {@link #parse} reads.
    public static String print(List<Entry> entries) {
        return entries.stream().map(entry -> entry + "\n").collect(Collectors.joining());
    }

    boolean isEmpty() {
        return schedules.isEmpty();
    }

    Optional<Schedule> find(String nest, String machine) {
        return Optional.ofNullable(schedules.get(List.of(nest, machine)));
    }
}
