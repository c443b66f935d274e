package doctor

import (
	"bytes"
	"debug/buildinfo"

	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// runtimePath is the Go package of this project's runtime.
const runtimePath = "bootstrap/cmd/bootstrap"

// IsRuntime reports whether a file is a build of this project's runtime.
func IsRuntime(f *pack.File) bool {
	content, err := f.Open()
	if err != nil {
		return false
	}
	defer content.Close()
	info, err := buildinfo.Read(content)
	return err == nil && info.Path == runtimePath
}

// checkBootstrap checks the file that the platform starts.
func (x *exam) checkBootstrap() {
	f := x.Tree.File("bootstrap")
	if f == nil || !f.Mode.IsRegular() {
		return
	}
	head := x.head(f)
	switch {
	case f.Mode&0o111 == 0 || f.Mode&0o001 == 0:
		x.add("bootstrap-not-executable", f.Name, "mode", mode(f))
	case len(head) == 0:
		x.add("bootstrap-empty", f.Name)
	case foreignSystem(head) != "":
		x.add("bootstrap-not-linux", f.Name, "system", foreignSystem(head))
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		x.bootstrapProgram(f)
	default:
		x.bootstrapScript(f, head)
	}
}

func (x *exam) bootstrapProgram(f *pack.File) {
	ours := IsRuntime(f)
	b, err := x.binary(f)
	switch {
	case err != nil:
		x.addTo("program-damaged", f, "detail", err.Error())
	case b.machine != x.Arch && !x.isReplaced(f):
		x.add("bootstrap-arch", f.Name, "machine", b.machine)
	case b.loader != "" && b.loader != loaders[x.Arch]:
		x.add("bootstrap-loader", f.Name, "loader", b.loader)
	case !ours:
		x.add("bootstrap-foreign", f.Name)
	case !x.isCarried(f):
		x.add("bootstrap-stale", f.Name)
	}
}

// isCarried reports whether a file is the runtime that this tool carries. It is also
// true if the tool carries none.
func (x *exam) isCarried(f *pack.File) bool {
	if x.Carried == nil {
		return true
	}
	carried := x.Carried(x.Arch)
	if carried == nil {
		return true
	}
	head, err := f.Head(len(carried) + 1)
	return err == nil && bytes.Equal(head, carried)
}

func (x *exam) bootstrapScript(f *pack.File, head []byte) {
	interpreter, crlf := shebang(head)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		x.add("bootstrap-bom", f.Name)
	case interpreter == "":
		x.add("bootstrap-no-shebang", f.Name)
	case crlf:
		x.add("bootstrap-crlf", f.Name, "interpreter", interpreter)
	case x.lacks(interpreter):
		x.add("bootstrap-interpreter", f.Name, "interpreter", interpreter)
	default:
		x.add("bootstrap-foreign", f.Name)
	}
}
