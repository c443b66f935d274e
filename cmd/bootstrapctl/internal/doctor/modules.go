package doctor

import (
	"bufio"
	"path"
	"regexp"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// isModule reports whether Python or Node would load the file as a native
// module.
func isModule(name string) bool {
	switch path.Ext(name) {
	case ".node", ".pyd", ".dylib":
		return true
	case ".so":
		return strings.Contains(name, ".cpython-") || strings.Contains(name, ".abi3.")
	}
	return false
}

// checkModule adds a finding if a native module is for another system or processor.
func (x *exam) checkModule(f *pack.File, machine string) {
	id := "python-module"
	if path.Ext(f.Name) == ".node" {
		id = "node-module"
	}
	x.add(id, f.Name, "machine", machine, "path", path.Join(x.system.folder, f.Name))
}

// checkModules checks the tags of installed Python wheels.
func (x *exam) checkModules() {
	for _, f := range x.Tree.Files {
		if f.Mode.IsRegular() && strings.HasSuffix(f.Name, ".dist-info/WHEEL") {
			x.checkWheel(f)
		}
	}
}

// checkWheel adds a finding if none of a wheel's tags matches the platform.
func (x *exam) checkWheel(f *pack.File) {
	content, err := f.Open()
	if err != nil {
		return
	}
	defer content.Close()
	id, tag, needs := "", "", ""
	for lines := bufio.NewScanner(content); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), "Tag: ")
		if !ok {
			continue
		}
		parts := strings.Split(strings.TrimSpace(value), "-")
		tag = parts[len(parts)-1]
		if id, needs = x.wheelFinding(tag); id == "" {
			return
		}
	}
	if id != "" {
		x.add(id, f.Name, "tag", tag, "needs", needs, "has", x.system.glibc)
	}
}

var manylinux = regexp.MustCompile(`^manylinux_(\d+)_(\d+)_(.+)$`)

// oldManylinux are the tags from before the glibc version was in their names.
var oldManylinux = map[string]string{"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}

// wheelFinding returns the finding for a wheel's platform tag, or empty strings if
// the tag matches the platform.
func (x *exam) wheelFinding(tag string) (id, needs string) {
	cpu := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[x.Arch]
	system, machine := tag, ""
	if m := manylinux.FindStringSubmatch(tag); m != nil {
		needs, machine = m[1]+"."+m[2], m[3]
	} else {
		system, machine, _ = strings.Cut(tag, "_")
		needs = oldManylinux[system]
	}
	switch {
	case tag == "any" || system == "linux" && machine == cpu:
		return "", ""
	case needs == "" || machine != cpu:
		return "wheel", ""
	case x.system.glibc != "" && newer(needs, x.system.glibc):
		return "wheel-glibc", needs
	}
	return "", ""
}
