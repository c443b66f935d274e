package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bootstrap/adapters/command"
	"bootstrap/cmd/bootstrapctl/internal/pack"
	"bootstrap/internal/envfile"
	"bootstrap/protocol"
)

// readVariables reads the variables of bootstrap.env and those of the function, which
// take precedence. The runtime reports errors in the file.
func (x *exam) readVariables() {
	x.vars = map[string]string{}
	if f := x.Tree.File("bootstrap.env"); f != nil && f.Mode.IsRegular() {
		if content, err := f.Open(); err == nil {
			defer content.Close()
			text, _ := io.ReadAll(io.LimitReader(content, megabyte))
			found, _ := envfile.Parse(string(text))
			for _, v := range found {
				x.vars[v.Name] = v.Value
			}
		}
	}
	for _, v := range x.Env {
		name, value, _ := strings.Cut(v, "=")
		x.vars[name] = value
	}
}

// resolve uses the runtime's own code to find the program or the function of
// the handler.
func (x *exam) resolve() {
	x.target, x.unsolved = command.Resolve(x.vars["BOOTSTRAP_COMMAND"], x.Handler, x.Tree.Dir)
	if x.unsolved != nil {
		return
	}
	x.By, x.Runs = "handler "+x.Handler, x.runs()
	if x.vars["BOOTSTRAP_COMMAND"] != "" {
		x.By = "BOOTSTRAP_COMMAND"
	}
	for _, file := range append([]string{x.target.File}, x.target.Args...) {
		if name := x.name(file); file != "" && x.Tree.File(name) != nil {
			x.essential[name] = true
		}
	}
}

// runs describes what the function runs.
func (x *exam) runs() string {
	switch t := x.target; {
	case t.Function != "":
		language := map[string]string{"bash": "bash", "python3": "Python", "node": "Node"}[command.Interpreter(t.File)]
		return fmt.Sprintf("the %s function %s in %s", language, t.Function, x.name(t.File))
	case x.vars["BOOTSTRAP_COMMAND"] == "":
		return "the program " + x.name(t.Args[0])
	case x.isShellLine():
		return "a command line for the shell" // not its text, which may hold a secret
	case x.vars["BOOTSTRAP_ADAPTER"] == "worker":
		return "the worker " + x.onPlatform(t.Args[0])
	default:
		return "the command " + x.onPlatform(t.Args[0])
	}
}

// isShellLine reports whether BOOTSTRAP_COMMAND is not a list of arguments.
func (x *exam) isShellLine() bool {
	command := strings.TrimSpace(x.vars["BOOTSTRAP_COMMAND"])
	return command != "" && !strings.HasPrefix(command, "[")
}

// checkHandler checks what the handler means. Another runtime gives it a meaning of its own.
func (x *exam) checkHandler() {
	if x.has("bootstrap-foreign") {
		return
	}
	if x.unsolved != nil {
		if x.vars["BOOTSTRAP_COMMAND"] == "" && len(x.Tree.Files) > 0 && !x.has("outer-folder") {
			x.add("handler-not-found", "", "what", x.onPlatform(message(x.unsolved)), "failure", x.onPlatform(failureText(x.unsolved)))
		}
		return // the runtime reports an invalid command
	}
	file := x.target.File
	if file == "" && x.vars["BOOTSTRAP_COMMAND"] == "" {
		file = x.target.Args[0]
	}
	name := x.name(file)
	switch f := x.Tree.File(name); {
	case file == "":
	case f == nil && x.isFolder(name):
		failure := command.Inspect(file, fs.ModeDir|0o755, nil, x.lacks)
		x.add("handler-folder", name, "failure", x.onPlatform(failureText(failure)))
	case f == nil && !x.Tree.HasProblem(name):
		x.add("handler-ignored", name)
	case f != nil && x.target.Function != "":
		x.checkFunction(name)
		x.checkDefined(f)
	}
}

// checkDefined looks for the name of the function in its script. A script that loads
// other files may get the function from them, and a long one is not searched.
func (x *exam) checkDefined(f *pack.File) {
	if f.Mode&fs.ModeSymlink != 0 {
		return
	}
	content, err := f.Open()
	if err != nil {
		return
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxScript+1))
	if err != nil || len(text) > maxScript || bytes.Contains(text, []byte(x.target.Function)) || loadsOthers.Match(text) {
		return
	}
	x.add("function-missing", f.Name, "function", x.target.Function, "base", strings.TrimSuffix(f.Name, path.Ext(f.Name)))
}

// loadsOthers matches what gets names from other files without saying which.
var loadsOthers = regexp.MustCompile(`(?m)^\s*(source|\.|eval)\s|import\s*\*|require\(|export\s*\*|globals\(|setattr`)

// isFolder reports whether the package has files in a folder of that name.
func (x *exam) isFolder(name string) bool {
	for _, f := range x.Tree.Files {
		if strings.HasPrefix(f.Name, name+"/") {
			return true
		}
	}
	return false
}

// checkFunction looks for the interpreter of a function, and for other scripts that
// the handler also matches.
func (x *exam) checkFunction(name string) {
	base := strings.TrimSuffix(name, filepath.Ext(name))
	for _, extension := range []string{".sh", ".py", ".js", ".mjs", ".cjs"} {
		if other := base + extension; other != name && x.Tree.File(other) != nil {
			x.add("handler-ambiguous", name, "other", other)
		}
	}
	interpreter := command.Interpreter(name)
	option := map[string]string{"python3": "BOOTSTRAP_PYTHON", "node": "BOOTSTRAP_NODE"}[interpreter]
	if option != "" && x.vars[option] == "" && slices.Contains(x.system.lacks, interpreter) {
		x.add("language", name, "interpreter", interpreter, "option", option, "path", x.onPlatform(x.target.File))
	}
}

// checkCommand looks for the program of a BOOTSTRAP_COMMAND that is a list of
// arguments.
func (x *exam) checkCommand() {
	if x.unsolved != nil || x.vars["BOOTSTRAP_COMMAND"] == "" || x.isShellLine() {
		return
	}
	program := x.target.Args[0]
	name := x.name(program)
	switch {
	case strings.HasPrefix(program, x.system.folder+"/"):
		name = strings.TrimPrefix(program, x.system.folder+"/")
		fallthrough
	case strings.Contains(program, "/") && !filepath.IsAbs(program):
		if name != "" && x.Tree.File(name) == nil {
			x.add("command-missing", name, "failure", "Function.NotFound: "+x.system.folder+"/"+name+" does not exist")
		}
		x.essential[name] = true
	case strings.Contains(program, "/"): // an absolute path of the platform's
	case x.Tree.File(program) != nil: // the code folder comes after PATH
		x.essential[program] = true
	case slices.Contains(x.system.lacks, program):
		x.add("interpreter", "", "interpreter", program, "failure", fmt.Sprintf("Function.NotFound: %q is not in PATH (%s)", program, x.path()))
	case slices.Contains(languages, program) && !slices.Contains(assumed, program):
		x.add("interpreter-unsure", "", "interpreter", program)
	}
}

func (x *exam) has(id string) bool {
	return slices.ContainsFunc(x.Findings, func(f Finding) bool { return f.ID == id })
}

// message returns the message of a failure of the runtime.
func message(err error) string {
	if f, ok := errors.AsType[*protocol.Failure](err); ok {
		return f.Message
	}
	return err.Error()
}

// failureText returns a failure as the platform shows it.
func failureText(err error) string {
	if f, ok := errors.AsType[*protocol.Failure](err); ok && f != nil {
		return f.Type + ": " + f.Message
	}
	return ""
}
