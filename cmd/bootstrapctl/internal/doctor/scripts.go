package doctor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/cmd/bootstrapctl/internal/pack"
)

const (
	maxScript  = megabyte         // bytes of a script that are searched
	maxParsed  = 50               // scripts that their interpreters parse
	parseLimit = 10 * time.Second // for one script
)

// shebang returns the interpreter in a script's first line, and whether the line
// ends in a carriage return.
func shebang(head []byte) (interpreter string, crlf bool) {
	if !bytes.HasPrefix(head, []byte("#!")) {
		return "", false
	}
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return "", false
	}
	return words[0], bytes.HasSuffix(line, []byte("\r"))
}

// program returns the name, without a folder, of the program that runs a script with
// that first line. If it is env, program returns the argument of env.
func program(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	words := strings.Fields(strings.TrimPrefix(string(line), "#!"))
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") || strings.Contains(w, "=") })
	}
	if len(words) == 0 || !bytes.HasPrefix(head, []byte("#!")) {
		return ""
	}
	return path.Base(words[0])
}

// shells lists programs that take a carriage return for a part of a word.
var shells = []string{"sh", "bash", "dash", "ash", "ksh", "zsh"}

// isShell reports whether a shell runs the script.
func isShell(f *pack.File, head []byte) bool {
	return slices.Contains(shells, program(head)) || program(head) == "" && slices.Contains([]string{".sh", ".bash"}, path.Ext(f.Name))
}

// checkScripts checks every script but bootstrap. It parses maxParsed scripts: first those
// that the function cannot work without.
func (x *exam) checkScripts() {
	parsed := 0
	for _, f := range x.essentialFirst() {
		if !f.Mode.IsRegular() || f.Name == "bootstrap" && x.isBroken("bootstrap") {
			continue
		}
		head := x.head(f)
		named := bytes.HasPrefix(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("#!"))
		if !named && command.Interpreter(f.Name) == "" && !isShell(f, head) {
			continue
		}
		switch fine := x.checkScript(f, head); {
		case !fine || x.Look == nil:
		case parsed == maxParsed:
			x.skip("the syntax of more than %d scripts", maxParsed)
		default:
			parsed++
			x.parse(f, head)
		}
	}
}

// essentialFirst returns the files of the package, those first that the function cannot
// work without.
func (x *exam) essentialFirst() []*pack.File {
	rank := map[bool]int{true: 0, false: 1}
	return slices.SortedStableFunc(slices.Values(x.Tree.Files), func(a, b *pack.File) int {
		return cmp.Compare(rank[x.essential[a.Name]], rank[x.essential[b.Name]])
	})
}

// checkScript checks a script, and reports whether its syntax should be checked.
func (x *exam) checkScript(f *pack.File, head []byte) (fine bool) {
	loaded := x.isLoaded(f)
	interpreter, _ := shebang(head)
	bom := bytes.HasPrefix(head, []byte("\xef\xbb\xbf"))
	switch line := x.crlfLine(f); {
	case bom && (isShell(f, bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) || bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")) && !loaded):
		x.addTo("bom", f, "failure", x.inspect(f, head))
		return false
	case line > 0 && (isShell(f, head) || line == 1 && interpreter != "" && !loaded):
		x.addTo("crlf", f, "line", strconv.Itoa(line), "failure", x.crlfFailure(f, head))
		return false
	case loaded || interpreter == "":
	case x.lacks(interpreter) || x.lacks(program(head)):
		x.addTo("interpreter", f, "interpreter", missingOf(interpreter, program(head), x.lacks), "failure", cmp.Or(x.inspect(f, head), fmt.Sprintf("%s: '%s': No such file or directory", interpreter, program(head))))
		return false
	case !x.surelyHas(interpreter, program(head)):
		x.addTo("interpreter-unsure", f, "interpreter", program(head))
	}
	return true
}

// missingOf returns the interpreter if it is missing, else the program.
func missingOf(interpreter, program string, lacks func(string) bool) string {
	if lacks(interpreter) {
		return interpreter
	}
	return program
}

// isLoaded reports whether the runtime's host loads the script, so that its
// first line does not matter.
func (x *exam) isLoaded(f *pack.File) bool {
	return x.target.Function != "" && x.name(x.target.File) == f.Name
}

// crlfLine returns the number of the first line of a script that ends in CRLF, or 0.
func (x *exam) crlfLine(f *pack.File) int {
	content, err := f.Open()
	if err != nil {
		return 0
	}
	defer content.Close()
	text, _ := io.ReadAll(io.LimitReader(content, maxScript))
	before, _, found := bytes.Cut(text, []byte("\r\n"))
	if !found {
		return 0
	}
	return bytes.Count(before, []byte("\n")) + 1
}

func (x *exam) crlfFailure(f *pack.File, head []byte) string {
	if x.isLoaded(f) {
		return `Runtime.UserCodeSyntaxError: syntax error near unexpected token $'{\r''`
	}
	if failure := x.inspect(f, head); failure != "" {
		return failure
	}
	return `$'\r': command not found`
}

// inspect returns the runtime's failure for a program, with paths of the platform.
func (x *exam) inspect(f *pack.File, head []byte) string {
	failure := command.Inspect(path.Join(x.system.folder, f.Name), f.Mode, head, x.lacks)
	if failure == nil {
		return ""
	}
	return failureText(failure)
}

// lacks reports whether the platform surely does not have a program, which is a
// path or a name.
func (x *exam) lacks(program string) bool {
	if own, ok := strings.CutPrefix(program, x.system.folder+"/"); ok {
		return x.Tree.File(own) == nil
	}
	for _, folder := range nowhere {
		if strings.HasPrefix(program, folder) {
			return true
		}
	}
	if slices.Contains(onAll, program) || strings.HasPrefix(program, "/opt/") { // a layer may have it
		return false
	}
	if strings.HasPrefix(program, "/lib") { // a loader
		return program != loaders[x.Arch]
	}
	return slices.Contains(x.system.lacks, path.Base(program))
}

// surelyHas reports whether the platform has an interpreter. This project expects
// python3 and node on a platform that is not known to lack them.
func (x *exam) surelyHas(interpreter, program string) bool {
	return slices.Contains(onAll, interpreter) && (program == path.Base(interpreter) || slices.Contains([]string{"sh", "bash", "python3", "node"}, program)) ||
		strings.HasPrefix(interpreter, x.system.folder+"/") || strings.HasPrefix(interpreter, "/opt/") ||
		slices.Contains([]string{"/usr/bin/python3", "/usr/bin/node"}, interpreter)
}

// A parser checks the syntax of a script without running it.
type parser struct {
	program string
	args    []string // the script follows
}

var parsers = map[string]parser{
	"bash":    {"bash", []string{"-n"}},
	"sh":      {"sh", []string{"-n"}},
	"python3": {"python3", []string{"-I", "-S", "-c", "import sys; compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec')"}},
	"node":    {"node", []string{"--check"}},
}

// parse lets the interpreter parse a script, if it is installed.
func (x *exam) parse(f *pack.File, head []byte) {
	name := command.Interpreter(f.Name)
	if !x.isLoaded(f) && program(head) != "" {
		name = program(head)
	}
	p, ok := parsers[name]
	if !ok {
		return
	}
	interpreter, err := x.Look(p.program)
	if err != nil {
		x.skip("the syntax of scripts for %s: %v", p.program, err)
		return
	}
	file, err := f.Path(x.dir)
	if err != nil {
		x.skip("the syntax of %s: %v", f.Name, err)
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, parseLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, append(slices.Clone(p.args), file)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	detail := syntaxError(string(out), file, filepath.Base(f.Name))
	if _, failed := errors.AsType[*exec.ExitError](err); failed && ctx.Err() == nil && detail != "" {
		x.addTo("syntax", f, "detail", detail)
	}
}

// syntaxError returns the useful lines of a parser's output, joined to one line.
func syntaxError(out, file, name string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(out, file, name)) {
		line = strings.TrimSpace(line)
		useful := strings.Contains(line, "rror") || strings.HasPrefix(line, name+":") || strings.HasPrefix(line, "File ")
		if useful && !strings.HasPrefix(line, "at ") && !strings.HasPrefix(line, "Traceback") && !strings.Contains(line, "<string>") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[:min(2, len(lines))], "; ")
}

// skip adds a check that could not be made, unless it is already in the list.
func (x *exam) skip(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(x.Skipped, text) {
		x.Skipped = append(x.Skipped, text)
	}
}
