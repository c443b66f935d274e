package deployfile

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// runtimes holds the custom runtimes of each platform, and the one to recommend.
var runtimes = map[string]struct {
	custom *regexp.Regexp
	set    string
}{
	"scf":           {regexp.MustCompile(`^CustomRuntime$`), "CustomRuntime"},
	"functiongraph": {regexp.MustCompile(`^Custom$`), "Custom"},
	"lambda":        {regexp.MustCompile(`^provided(\.al2|\.al2023)?$`), "provided.al2023"},
}

// add checks that the name of a function is new, and keeps the function.
func (r *reader) add(f Function) {
	i := slices.IndexFunc(r.file.Functions, func(other Function) bool { return other.Name == f.Name })
	if i >= 0 {
		r.complain(f.Line, "function %s is already defined in line %d: rename one of them", f.Name, r.file.Functions[i].Line)
	}
	r.file.Functions = append(r.file.Functions, f)
}

// runtime returns the runtime of a function, which must be a custom one. absent is
// the tool's default.
func (r *reader) runtime(f Function, v value, absent string) string {
	known := runtimes[f.Platform]
	runtime, ok := v.scalar()
	switch {
	case !v.given() && absent == "":
		r.complain(f.Line, "function %s has no %s: set %s: %s", f.Name, v.name, v.name, known.set)
	case !v.given():
		r.complain(f.Line, "function %s has no %s, and the default %s is not a custom runtime: set %s: %s", f.Name, v.name, absent, v.name, known.set)
	case !ok || known.custom.MatchString(runtime):
	case f.Platform == "functiongraph" && runtime == "http":
		r.complain(v.line(), "function %s: %s http starts bootstrap as a web server, not as a runtime for events: set %s: %s", f.Name, v.name, v.name, known.set)
	default:
		r.complain(v.line(), "function %s: %s %s is not a custom runtime: set %s: %s", f.Name, v.name, runtime, v.name, known.set)
	}
	return runtime
}

// handler returns the handler of a function. It complains if the file has none
// and the tool has no default.
func (r *reader) handler(f Function, v value, absent string) string {
	if !v.given() && absent == "" {
		r.complain(f.Line, "function %s has no %s: set it", f.Name, v.name)
	}
	return v.text(absent)
}

// code returns the absolute path of a folder or a zip, which the file gives relative
// to itself.
func (r *reader) code(f Function, v value) string {
	text, ok := v.scalar()
	if !ok {
		return ""
	}
	if strings.Contains(text, "://") {
		r.complain(v.line(), "function %s: cannot fetch code from %s: set %s to a folder or a zip", f.Name, text, v.name)
		return ""
	}
	path := filepath.FromSlash(text)
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.complain(v.line(), "function %s: cannot find its code, %s", f.Name, text)
	case !info.IsDir() && !strings.EqualFold(filepath.Ext(path), ".zip"):
		r.complain(v.line(), "function %s: expected a folder or a zip, found %s", f.Name, text)
	}
	return path
}

// remote complains about code in an object store.
func (r *reader) remote(f Function, v value, storage, remedy string) {
	r.complain(v.line(), "function %s: cannot fetch code from %s: set %s to a folder or a zip", f.Name, storage, remedy)
}

// env returns variables of the function, sorted. Later mappings win.
func (r *reader) env(mappings ...value) []string {
	all := map[string]string{}
	for _, mapping := range mappings {
		for _, p := range mapping.pairs() {
			all[p.key] = r.variable(p)
		}
	}
	var env []string
	for name, text := range all {
		env = append(env, name+"="+text)
	}
	slices.Sort(env)
	return env
}

// variable returns the text of a variable, which may be empty but not missing.
func (r *reader) variable(p pair) string {
	if p.key == "" || strings.ContainsAny(p.key, "=\x00") {
		r.complain(p.line, "expected the name of a variable, found %q", p.key)
	}
	if !p.given() {
		r.complain(p.line, "variable %s has no value: set it, or write \"\"", p.key)
	}
	return p.text("")
}

// undone notes the keys of a function that this package does not read, and says
// for each what it would do in the cloud.
func (r *reader) undone(f Function, v value, sentences map[string]string) {
	for _, p := range v.pairs() {
		if sentence, ok := sentences[p.key]; ok && p.given() {
			r.note(p.line, "function %s: %s", f.Name, sentence)
		}
	}
}
