package doctor

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bootstrap/adapters/command"
	"bootstrap/cmd/bootstrapctl/internal/pack"
)

func mode(f *pack.File) string { return fmt.Sprintf("%04o", f.Mode.Perm()) }

// binary reads an ELF file of the package.
func (x *exam) binary(f *pack.File) (*binary, error) {
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return readBinary(content)
}

// checkPrograms checks all compiled files, and files that run but are not programs.
func (x *exam) checkPrograms() {
	for _, f := range x.Tree.Files {
		if !f.Mode.IsRegular() || f.Name == "bootstrap" && (x.isBroken("bootstrap") || x.isReplaced(f)) {
			continue
		}
		switch head := x.head(f); {
		case bytes.HasPrefix(head, []byte("\x7fELF")):
			if b, err := x.binary(f); err == nil {
				x.checkProgram(f, b)
			} else if x.isRun(f) {
				x.addTo("program-damaged", f, "detail", err.Error())
			}
		case isModule(f.Name) && foreignSystem(head) != "":
			x.checkModule(f, foreignSystem(head))
		case !x.isRun(f) || f.Name == "bootstrap":
		case len(head) == 0:
			x.addTo("program-empty", f, "failure", x.inspectRun(f, head))
		case foreignSystem(head) != "":
			x.addTo("not-linux", f, "system", foreignSystem(head))
		case x.inspectRun(f, head) != "" && !x.isBroken(f.Name):
			x.addTo("no-shebang", f, "failure", x.inspectRun(f, head))
		}
	}
}

// isReplaced reports whether pack replaces the bootstrap of a folder: it is ours.
func (x *exam) isReplaced(bootstrap *pack.File) bool { return !x.isZip() && IsRuntime(bootstrap) }

// isBroken reports whether a finding about that file is an error.
func (x *exam) isBroken(name string) bool {
	return slices.ContainsFunc(x.Findings, func(f Finding) bool { return f.File == name && f.Level == Error })
}

// inspectRun returns the runtime's failure for a program, as if it were executable.
func (x *exam) inspectRun(f *pack.File, head []byte) string {
	failure := command.Inspect(path.Join(x.system.folder, f.Name), 0o755, head, x.lacks)
	if failure == nil {
		return ""
	}
	return failureText(failure)
}

// isRun reports whether the runtime starts the file as a program.
func (x *exam) isRun(f *pack.File) bool {
	if x.target.Function != "" || len(x.target.Args) == 0 {
		return false
	}
	return x.essential[f.Name] && (x.name(x.target.Args[0]) == f.Name || x.target.Args[0] == path.Join(x.system.folder, f.Name))
}

// checkProgram checks a compiled file.
func (x *exam) checkProgram(f *pack.File, b *binary) {
	switch {
	case b.machine != x.Arch && isModule(f.Name):
		x.checkModule(f, b.machine)
	case !b.wide && (b.machine == "386" || b.machine == "arm"):
		x.addTo("elf-class", f, "machine", b.machine)
	case b.machine != x.Arch:
		x.addTo("arch", f, "machine", b.machine)
	case muslOf(b) != "":
		x.addTo("musl", f, "library", muslOf(b))
	case b.loader != "" && b.loader != loaders[x.Arch]:
		x.addTo("loader", f, "loader", b.loader)
	case b.glibc != "" && x.system.glibc != "" && newer(b.glibc, x.system.glibc):
		x.addTo("glibc", f, "needs", b.glibc, "has", x.system.glibc)
	case b.glibc != "" && x.system.glibc == "" && newer(b.glibc, "2.17"):
		x.addTo("glibc-unsure", f, "needs", b.glibc)
	default:
		x.checkLibraries(f, b)
	}
}

// muslOf returns the library of musl that a file needs.
func muslOf(b *binary) string {
	for _, library := range append(b.needs, path.Base(b.loader)) {
		if strings.HasPrefix(library, "libc.musl-") || strings.HasPrefix(library, "ld-musl-") {
			return library
		}
	}
	return ""
}

// checkLibraries looks for the libraries that a program needs: in the folders of the
// package that the loader searches, and among those that the platform surely has.
func (x *exam) checkLibraries(f *pack.File, b *binary) {
	if !b.program || b.loader == "" {
		return // its program may have loaded the libraries that it needs
	}
	folders := x.libraryFolders(f, b)
	for _, library := range b.needs {
		found := slices.Contains(libraries, library) || slices.ContainsFunc(folders, func(folder string) bool {
			return x.Tree.File(path.Join(folder, library)) != nil
		})
		if !found {
			x.addTo("library", f, "library", library)
		}
	}
}

// libraryFolders returns the folders of the package that the loader searches.
func (x *exam) libraryFolders(f *pack.File, b *binary) (folders []string) {
	search := slices.Clone(b.search)
	own, set := x.vars["LD_LIBRARY_PATH"]
	if !set {
		for _, v := range environment(x.Platform, x.system.folder, "") {
			if value, ok := strings.CutPrefix(v, "LD_LIBRARY_PATH="); ok {
				own = value
			}
		}
	}
	origin := path.Join(x.system.folder, path.Dir(f.Name))
	fill := strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin)
	for _, folder := range append(search, strings.Split(own, ":")...) {
		folder = path.Clean(fill.Replace(folder))
		if folder == x.system.folder {
			folders = append(folders, ".")
		} else if name, ok := strings.CutPrefix(folder, x.system.folder+"/"); ok {
			folders = append(folders, name)
		}
	}
	return folders
}

// checkModes checks the permissions in a zip. For a folder, pack sets them.
func (x *exam) checkModes() {
	for _, f := range x.Tree.Files {
		if f.Mode&fs.ModeSymlink != 0 || !x.isZip() {
			continue
		}
		switch head := x.head(f); {
		case f.Name == "bootstrap": // checkBootstrap reports it
		case f.Mode&0o111 == 0 && (x.isRun(f) || bytes.HasPrefix(head, []byte("\x7fELF")) && x.isProgram(f)):
			x.addTo("not-executable", f, "mode", mode(f), "failure", x.inspect(f, head))
		case f.Mode&0o004 == 0:
			x.addTo("unreadable", f, "mode", mode(f))
		}
	}
}

func (x *exam) isProgram(f *pack.File) bool {
	b, err := x.binary(f)
	return err == nil && b.program
}
