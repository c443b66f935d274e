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

// A Function is a package to examine, with the function's settings.
type Function struct {
	Tree     *pack.Tree
	Platform *protocol.Platform
	Handler  string
	Env      []string // NAME=value, of the function
	Arch     string   // of the platform's machine, by Go's name
	Limit    time.Duration
	Started  time.Duration // how long its start took here; 0 if not measured

	// Carried returns the runtime that this tool carries for an architecture, or
	// nil.
	Carried func(arch string) []byte
	Version string // of the carried runtime

	// Check returns what the runtime says about the options: lines that begin
	// with "error: " or "warning: ". It is nil if the runtime cannot run here.
	Check func(ctx context.Context, dir string, env []string) ([]string, error)
	// Look finds an interpreter on this machine. If it is nil, scripts are not
	// parsed.
	Look func(name string) (string, error)
}

// A Report is the result of an examination.
type Report struct {
	By       string    `json:"by"`   // the setting that decides what runs: the handler or a variable
	Runs     string    `json:"runs"` // what runs; empty if not known
	Findings []Finding `json:"findings"`
	Skipped  []string  `json:"skipped,omitempty"` // checks that could not be made, and why
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
	dir    string            // for temporary files

	target    command.Target
	unsolved  error           // why the handler means nothing, or nil
	essential map[string]bool // files that the function cannot work without
	heads     map[*pack.File][]byte
}

// Examine finds the problems of a function. It writes temporary files into temp.
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

// addTo adds a finding about a file. It is an error only if the function cannot work
// without that file.
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

// isZip reports whether the package is a zip, whose modes the platform uses. For a
// folder, pack sets the modes.
func (x *exam) isZip() bool { return x.Tree.Zip != "" }

// head returns the beginning of a file, or nil for a link.
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

// onPlatform replaces this machine's paths in a text with those on the platform.
func (x *exam) onPlatform(text string) string {
	return strings.NewReplacer(x.Tree.Dir, x.system.folder, filepath.ToSlash(x.Tree.Dir), x.system.folder).Replace(text)
}

// name returns the name in the package of a file on this machine, or an empty string
// if the package does not have it.
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

// addProblems adds the problems that reading the package has found.
func (x *exam) addProblems() {
	for _, p := range x.Tree.Problems {
		x.add(p.Kind, p.Name, "detail", p.Detail)
	}
}
