package doctor

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A binary describes an ELF file and what it needs.
type binary struct {
	machine string // Go's name for it
	wide    bool   // 64 bits
	program bool   // it is a program, not a library
	loader  string
	needs   []string // libraries
	search  []string // folders that the loader searches first
	glibc   string   // the newest version that it needs a symbol of
}

// readBinary reads an ELF file. A malformed file is an error.
func readBinary(r io.ReaderAt) (b *binary, err error) {
	defer func() {
		if panicked := recover(); panicked != nil { // debug/elf may panic on malformed files
			err = fmt.Errorf("cannot read the program: %v", panicked)
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read the program: %w", err)
	}
	if err := checkTables(f); err != nil {
		return nil, err
	}
	b = &binary{machine: machineOf(f), wide: f.Class == elf.ELFCLASS64, loader: loaderOf(f)}
	b.program = f.Type == elf.ET_EXEC || b.loader != "" || isStaticPIE(f)
	b.needs, _ = f.ImportedLibraries() // an error means that it is static
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, _ := f.DynString(tag)
		for _, p := range paths {
			b.search = append(b.search, strings.Split(p, ":")...)
		}
	}
	needs, _ := f.DynamicVersionNeeds()
	for _, library := range needs {
		for _, need := range library.Needs {
			if version, ok := strings.CutPrefix(need.Dep, "GLIBC_"); ok && newer(version, b.glibc) {
				b.glibc = version
			}
		}
	}
	return b, nil
}

// maxTable is the maximum size of a table of an ELF file, as tables are read whole.
const maxTable = 64 << 20

// checkTables refuses a file whose tables would take much memory, or are compressed,
// which no linker does.
func checkTables(f *elf.File) error {
	for _, s := range f.Sections {
		switch s.Type {
		case elf.SHT_DYNAMIC, elf.SHT_DYNSYM, elf.SHT_STRTAB, elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF, elf.SHT_GNU_VERSYM:
			if s.Size > maxTable || s.Flags&elf.SHF_COMPRESSED != 0 {
				return fmt.Errorf("cannot read the program: its table %q is too large", s.Name)
			}
		}
	}
	return nil
}

// machineOf returns Go's name for the processor that a file is for.
func machineOf(f *elf.File) string {
	switch f.Machine {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_386:
		return "386"
	case elf.EM_ARM:
		return "arm"
	}
	return strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
}

func loaderOf(f *elf.File) string {
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			path := make([]byte, min(segment.Filesz, 4096))
			n, _ := segment.ReadAt(path, 0)
			path, _, _ = bytes.Cut(path[:n], []byte{0})
			return string(path)
		}
	}
	return ""
}

// isStaticPIE reports whether a file without a loader is a program, not a library.
func isStaticPIE(f *elf.File) bool {
	flags, _ := f.DynValue(elf.DT_FLAGS_1)
	return len(flags) > 0 && elf.DynFlag1(flags[0])&elf.DF_1_PIE != 0
}

// newer compares versions such as 2.34. Any other text is older than each version.
func newer(a, b string) bool {
	return number(a) > number(b)
}

func number(version string) int {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(major)
	y, err2 := strconv.Atoi(minor)
	if err != nil || err2 != nil && minor != "" {
		return -1
	}
	return x*1000 + y
}

// foreignSystem returns the system other than Linux that a program is for. A Java
// class begins with the same bytes as a macOS program for several processors, but a
// larger number follows them.
func foreignSystem(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("MZ")):
		return "Windows"
	case bytes.HasPrefix(head, []byte("\xcf\xfa\xed\xfe")), bytes.HasPrefix(head, []byte("\xce\xfa\xed\xfe")):
		return "macOS"
	case bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe\x00\x00\x00")) && len(head) > 7 && head[7] < 20:
		return "macOS"
	}
	return ""
}
