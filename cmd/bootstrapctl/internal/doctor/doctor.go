package doctor

import (
	"context"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/cmd/bootstrapctl/internal/pack"
	"bootstrap/protocol"
)

// A Function is what is to be examined.
type Function struct {
	Tree     *pack.Tree
	Platform *protocol.Platform
	Handler  string
	Env      []string // NAME=value, of the function
	Arch     string   // that it is to run on, as Go calls it
	Limit    time.Duration
	Started  time.Duration // how long its start took here; 0: it was not measured

	// Carried returns the runtime that this tool carries for an architecture;
	// nil: none.
	Carried func(arch string) []byte
	Version string // of it

	// Check returns what the runtime says of the options: lines that begin
	// with "error: " or "warning: ". nil: it cannot be run here.
	Check func(ctx context.Context, dir string, env []string) ([]string, error)
	// Look finds an interpreter on this machine; nil: scripts are not parsed.
	Look func(name string) (string, error)
}

// A Report is what was found.
type Report struct {
	By       string    `json:"by"`   // what decides what runs: the handler, or a variable
	Runs     string    `json:"runs"` // what that means; empty: nothing
	Findings []Finding `json:"findings"`
	Skipped  []string  `json:"skipped,omitempty"` // what could not be examined, and why
}

// Count returns how many findings have a level.
func (r *Report) Count(level Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// An exam is an examination of a function.
type exam struct {
	*Function
	Report
	ctx    context.Context
	system system
	vars   map[string]string // of the function: its own, then bootstrap.env's
	dir    string            // for files that are needed during the exam

	target    command.Target
	unsolved  error           // why the handler means nothing; nil: it does
	essential map[string]bool // files without which nothing works
	heads     map[*pack.File][]byte
}

// Examine finds what is wrong with a function. It needs a folder for temporary
// files.
func Examine(ctx context.Context, fn Function, temp string) *Report {
	x := &exam{Function: &fn, ctx: ctx, system: systems[fn.Platform.Name], dir: temp,
		essential: map[string]bool{"bootstrap": true, "bootstrap.env": true}, heads: map[*pack.File][]byte{}}
	x.Findings = []Finding{} // an empty list in JSON
	x.readVariables()
	x.resolve()
	for _, check := range []func(*exam){
		(*exam).addProblems, (*exam).checkLayout, (*exam).checkBootstrap, (*exam).checkHandler, (*exam).checkCommand, (*exam).checkScripts, (*exam).checkPrograms,
		(*exam).checkModes, (*exam).checkModules, (*exam).checkNames, (*exam).checkSizes, (*exam).checkVariables, (*exam).checkOptions, (*exam).checkStart,
	} {
		check(x)
	}
	sortFindings(x.Findings)
	return &x.Report
}

// add adds a finding.
func (x *exam) add(id, file string, values ...string) {
	x.addAt(ruleOf(id), file, values...)
}

// addTo adds a finding of one file: an error only if nothing works without that
// file.
func (x *exam) addTo(id string, f *pack.File, values ...string) {
	r := ruleOf(id)
	if !x.essential[f.Name] {
		r.level = Warning
	}
	x.addAt(r, f.Name, append(values, "path", path.Join(x.system.folder, f.Name))...)
}

func (x *exam) addAt(r rule, file string, values ...string) {
	cpu := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[x.Arch]
	node := map[string]string{"amd64": "x64", "arm64": "arm64"}[x.Arch]
	values = append(values, "arch", x.Arch, "cpu", cpu, "nodecpu", node, "version", x.Version, "search", x.path())
	x.Findings = append(x.Findings, r.finding(x.Platform.Name, file, values...))
}

// isZip reports whether the package is a zip, whose modes are as the platform
// will see them. Of a folder, pack sets them.
func (x *exam) isZip() bool { return x.Tree.Zip != "" }

// head returns the beginning of a file; nothing of a link.
func (x *exam) head(f *pack.File) []byte {
	if head, ok := x.heads[f]; ok || f.Mode&fs.ModeSymlink != 0 {
		return head
	}
	head, err := f.Head(4096)
	if err != nil {
		x.add("unreadable-here", f.Name, "detail", err.Error())
	}
	x.heads[f] = head
	return head
}

// path returns the platform's PATH.
func (x *exam) path() string {
	if own := x.vars["PATH"]; own != "" {
		return own
	}
	for _, v := range environment(x.Platform, x.system.folder, x.Handler) {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			return value
		}
	}
	return ""
}

// onPlatform returns a text that names paths on this machine with those on the
// platform.
func (x *exam) onPlatform(text string) string {
	return strings.NewReplacer(x.Tree.Dir, x.system.folder, filepath.ToSlash(x.Tree.Dir), x.system.folder).Replace(text)
}

// name returns the name in the package of a file on this machine; empty: it is
// not in it.
func (x *exam) name(file string) string {
	if !filepath.IsAbs(file) {
		file = filepath.Join(x.Tree.Dir, file)
	}
	name, err := filepath.Rel(x.Tree.Dir, file)
	if err != nil || !filepath.IsLocal(name) {
		return ""
	}
	return filepath.ToSlash(name)
}

// addProblems are what reading the package has found.
func (x *exam) addProblems() {
	for _, p := range x.Tree.Problems {
		x.add(p.Kind, p.Name, "detail", p.Detail)
	}
}
