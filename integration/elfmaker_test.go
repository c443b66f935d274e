package integration

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// A fakeELF is an ELF file with the tables that a linker writes, but without code.
type fakeELF struct {
	machine elf.Machine // 0: amd64
	narrow  bool        // 32 bits
	library bool        // not a program
	loader  string
	needs   []string
	glibc   string // the version that libc.so.6 must have
}

// A verneed is a version that a library must have.
type verneed struct {
	Version, Count  uint16
	File, Aux, Next uint32
	Hash            uint32
	Flags, Other    uint16
	Name, NextAux   uint32
}

// A section is a part of the file.
type section struct {
	kind elf.SectionType
	link uint32
	info uint32
	data []byte
}

// bytes returns the file.
func (e fakeELF) bytes() []byte {
	if e.machine == 0 {
		e.machine = elf.EM_X86_64
	}
	if e.narrow {
		return e.narrowBytes()
	}
	names := []byte{0}
	name := func(text string) uint32 {
		names = append(append(names, text...), 0)
		return uint32(len(names) - len(text) - 1)
	}
	var dynamic, versions []byte
	for _, library := range e.needs {
		dynamic = append64(dynamic, uint64(elf.DT_NEEDED), uint64(name(library)))
	}
	if e.glibc != "" {
		libc, version := name("libc.so.6"), name("GLIBC_"+e.glibc)
		versions, _ = binary.Append(nil, binary.LittleEndian, verneed{Version: 1, Count: 1, File: libc, Aux: 16, Other: 2, Name: version})
	}
	dynamic = append64(dynamic, 0, 0)
	sections := []section{{}, {kind: elf.SHT_STRTAB, data: names}, {kind: elf.SHT_DYNAMIC, link: 1, data: dynamic},
		{kind: elf.SHT_DYNSYM, link: 1, info: 1, data: make([]byte, 48)}}
	if e.glibc != "" {
		sections = append(sections, section{kind: elf.SHT_GNU_VERSYM, link: 3, data: []byte{0, 0, 2, 0}},
			section{kind: elf.SHT_GNU_VERNEED, link: 1, info: 1, data: versions})
	}
	return e.assemble(sections)
}

func append64(to []byte, values ...uint64) []byte {
	for _, v := range values {
		to = binary.LittleEndian.AppendUint64(to, v)
	}
	return to
}

// assemble puts the header, the loader's name, the sections and their table
// together.
func (e fakeELF) assemble(sections []section) []byte {
	const head, segment = 64, 56
	var body bytes.Buffer
	at := func() uint64 { return uint64(head + segment + body.Len()) }
	prog := elf.Prog64{Type: uint32(elf.PT_NOTE)}
	if e.loader != "" {
		prog = elf.Prog64{Type: uint32(elf.PT_INTERP), Off: at(), Filesz: uint64(len(e.loader) + 1)}
		body.WriteString(e.loader + "\x00")
	}
	var table []byte
	for _, s := range append(sections, section{kind: elf.SHT_STRTAB, data: []byte{0}}) {
		entry := elf.Section64{Type: uint32(s.kind), Off: at(), Size: uint64(len(s.data)), Link: s.link, Info: s.info}
		if s.kind == elf.SHT_NULL {
			entry = elf.Section64{}
		}
		table, _ = binary.Append(table, binary.LittleEndian, entry)
		body.Write(s.data)
	}
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(e.machine), Version: 1, Phoff: head, Shoff: at(), Ehsize: head,
		Phentsize: segment, Phnum: 1, Shentsize: 64, Shnum: uint16(len(sections) + 1), Shstrndx: uint16(len(sections))}
	if e.library {
		header.Type = uint16(elf.ET_DYN)
	}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	out, _ := binary.Append(nil, binary.LittleEndian, header)
	out, _ = binary.Append(out, binary.LittleEndian, prog)
	return append(append(out, body.Bytes()...), table...)
}

// narrowBytes returns a file of 32 bits, which needs no more than its header.
func (e fakeELF) narrowBytes() []byte {
	header := elf.Header32{Type: uint16(elf.ET_EXEC), Machine: uint16(e.machine), Version: 1, Ehsize: 52}
	copy(header.Ident[:], "\x7fELF\x01\x01\x01")
	out, _ := binary.Append(nil, binary.LittleEndian, header)
	return append(out, make([]byte, 64)...)
}
