package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.ascend.emulator.EmulatorException;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Driver;

/// The driver of Ascend NPUs: the cards that AscendCL finds, then one that is emulated on the processor. Both are driven
/// through the same C interface. {@code PORTOLAN_ASCEND_LIBRARY} names another library than the one that the dynamic linker
/// finds.
public final class AscendDriver implements Driver {
    /// The name of the driver.
    public static final String NAME = "ascend";

    private static final String OVERRIDE = "PORTOLAN_ASCEND_LIBRARY";
    private static final String EMULATED_CHIP = "PORTOLAN_ASCEND_SOC";
    /// The attribute of a device that is the size of its memory.
    private static final int GLOBAL_MEMORY = 301;

    private static final long EMULATED_BYTES = 32L << 30;
    private static Optional<AclLibrary> vendor;
    private static String reason = "";
    private static AclLibrary emulated;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Listing list() {
        var devices = new ArrayList<DeviceDescription>();
        vendor().ifPresent(library -> cards(library, devices));
        var missing = AscendEmulator.missing();
        // The library may have been told to be the emulator: one device has that name.
        if (missing.isEmpty() && devices.stream().noneMatch(DeviceDescription::emulated)) {
            devices.add(emulated(devices.size()));
        }
        boolean card = devices.stream().anyMatch(device -> !device.emulated());
        return new Listing(devices, card ? "" : reason + missing.map(text -> "; " + text).orElse(""));
    }

    private static DeviceDescription emulated(int ordinal) {
        var soc = emulatedName()
                .or(() -> Optional.ofNullable(System.getenv(EMULATED_CHIP)).filter(name -> !name.isBlank()))
                .orElse("Ascend910B1");
        return description(ordinal, soc + ", emulated", true, EMULATED_BYTES, Chips.find(soc));
    }

    /// The chip that the emulated library is, once it is there: it can be told to be another.
    private static synchronized Optional<String> emulatedName() {
        return Optional.ofNullable(emulated).flatMap(library -> library.text("aclrtGetSocName"));
    }

    private static DeviceDescription description(int ordinal, String label, boolean emulated, long bytes, Optional<Chips> chip) {
        return new DeviceDescription(
                NAME,
                ordinal,
                label,
                emulated,
                false,
                bytes,
                chip.map(own -> Set.of(own.architecture())).orElse(Set.of()),
                chip.map(Chips::machine).orElse(""),
                Map.of());
    }

    /// The vendor's library, looked for once.
    private static synchronized Optional<AclLibrary> vendor() {
        if (vendor == null) {
            vendor = find();
        }
        return vendor;
    }

    private static Optional<AclLibrary> find() {
        var override = System.getenv(OVERRIDE);
        if (override != null && !override.isBlank()) {
            try {
                return initialised(AclLibrary.open(Path.of(override)));
            } catch (IllegalArgumentException absent) {
                reason = OVERRIDE + " names " + override + ", which cannot be loaded";
                return Optional.empty();
            }
        }
        for (var name : List.of("libacl_rt.so", "libascendcl.so")) {
            try {
                var library = initialised(AclLibrary.open(name));
                if (library.isPresent()) {
                    return library;
                }
            } catch (IllegalArgumentException absent) {
                reason = "the dynamic linker finds neither libacl_rt.so nor libascendcl.so; install the Ascend driver and"
                        + " CANN, read its set_env.sh, or set " + OVERRIDE;
            }
        }
        return Optional.empty();
    }

    private static Optional<AclLibrary> initialised(AclLibrary library) {
        for (var function : List.of("aclInit", "aclrtGetDeviceCount")) {
            if (!library.has(function)) {
                reason = library.name() + " has no function " + function + ", so it is not the library of AscendCL";
                return Optional.empty();
            }
        }
        int code = library.call("aclInit", MemorySegment.NULL);
        if (code != AclError.SUCCESS && code != AclError.REPEATED) {
            reason = AclError.of(code, "initialising " + library.name(), "").getMessage();
            return Optional.empty();
        }
        return Optional.of(library);
    }

    private static void cards(AclLibrary library, List<DeviceDescription> devices) {
        try (var arena = Arena.ofConfined()) {
            var count = arena.allocate(ValueLayout.JAVA_INT);
            int code = library.call("aclrtGetDeviceCount", count);
            if (code != AclError.SUCCESS) {
                reason = AclError.of(code, "counting the cards", "").getMessage();
                return;
            }
            var soc = library.text("aclrtGetSocName").orElse("Ascend");
            for (int card = 0; card < count.get(ValueLayout.JAVA_INT, 0); card++) {
                boolean emulated = library.has("portolan_emulator_version");
                devices.add(description(
                        devices.size(), emulated ? soc + ", emulated" : soc, emulated, memory(library, card), Chips.find(soc)));
            }
        }
    }

    /// A card's bytes; 0 if the library tells them only to a thread that has taken the card, as older ones do.
    private static long memory(AclLibrary library, int card) {
        if (!library.has("aclrtGetDeviceInfo")) {
            return 0;
        }
        try (var arena = Arena.ofConfined()) {
            var bytes = arena.allocate(ValueLayout.JAVA_LONG);
            int code = library.call("aclrtGetDeviceInfo", card, GLOBAL_MEMORY, bytes);
            return code == AclError.SUCCESS ? Math.max(0, bytes.get(ValueLayout.JAVA_LONG, 0)) : 0;
        }
    }

    @Override
    public Device open(int ordinal, DeviceOptions options) {
        var devices = list().devices();
        if (ordinal < 0 || ordinal >= devices.size()) {
            throw new DeviceMissing("there is no device " + NAME + ":" + ordinal + "; "
                    + (devices.isEmpty() ? reason : "there are " + devices.stream().map(device -> device.name() + " = " + device.label()).toList()));
        }
        var description = devices.get(ordinal);
        boolean own = description.emulated()
                && vendor().filter(library -> library.has("portolan_emulator_version")).isEmpty();
        var library = own ? emulatedLibrary() : vendor().orElseThrow(() -> new DeviceMissing(reason));
        boolean emulator = library.has("portolan_emulator_version");
        int number = own ? 0 : ordinal;
        return emulator
                ? new AscendDevice.Emulated(library, description, number, new EmulatorBuilder())
                : new AscendDevice(library, description, number, compiler());
    }

    /// The programs of a toolkit where the environment says that there is one, else the library that compiles in the process.
    private static KernelBuilder compiler() {
        return BishengBuilder.isThere()
                ? new BishengBuilder()
                : RuntimeCompiler.find().<KernelBuilder>map(found -> found).orElseGet(BishengBuilder::new);
    }

    private static synchronized AclLibrary emulatedLibrary() {
        if (emulated == null) {
            try {
                var library = AclLibrary.open(AscendEmulator.library());
                int code = library.call("aclInit", MemorySegment.NULL);
                if (code != AclError.SUCCESS && code != AclError.REPEATED) {
                    throw AclError.of(code, "initialising the emulator", "");
                }
                emulated = library;
            } catch (EmulatorException failure) {
                throw new DeviceMissing("the emulated device cannot be built: " + failure.getMessage());
            }
        }
        return emulated;
    }
}
