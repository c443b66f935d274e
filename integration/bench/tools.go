package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	home     = "integration/bench" // from the project's root
	bashCurl = "integration/testdata/bash-curl"
)

// programs holds the paths of the programs to measure.
type programs struct{ bootstrap, bootstrapctl string }

// tools holds the programs and folders of the contenders.
type tools struct {
	self                string // this program
	bootstrap, bashCurl string
	lambdaGo            string // a function on AWS's library for Go
	lambdaGoMissing     error  // why there is no such program, or nil
	bootstrapctl, rie   string // rie: AWS's emulator
	rieMissing          error  // why there is no such program, or nil
	floor, child        string // programs in C
	worker              string // also one
	workerPy, workerJs  string
	cat, printf         string
	bash, python, node  string // code folders
}

// functions holds the code of each folder. Each function returns its event.
var functions = map[string]string{
	"bash/index.sh":   "main_handler() { printf '%s' \"$1\"; }\n",
	"python/index.py": "def main_handler(event, context):\n    return event\n",
	"node/index.js":   "exports.main_handler = async (event) => event;\n",
}

// prepare builds the programs and folders that dir lacks.
func prepare(p programs, dir string) (*tools, error) {
	t := &tools{
		floor: filepath.Join(dir, "floor"), child: filepath.Join(dir, "echo"), worker: filepath.Join(dir, "worker"),
		bash: filepath.Join(dir, "bash"), python: filepath.Join(dir, "python"), node: filepath.Join(dir, "node"),
	}
	for file, code := range functions {
		if err := write(filepath.Join(dir, file), code); err != nil {
			return nil, err
		}
	}
	if err := t.find(p); err != nil {
		return nil, err
	}
	var err error
	if t.self, err = os.Executable(); err != nil {
		return nil, err
	}
	return t, t.build()
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// find makes paths absolute, as contenders run in other folders.
func (t *tools) find(p programs) (err error) {
	for to, name := range map[*string]string{
		&t.bootstrap: p.bootstrap, &t.bootstrapctl: p.bootstrapctl, &t.bashCurl: bashCurl, &t.workerPy: home + "/floor/worker.py", &t.workerJs: home + "/floor/worker.js",
	} {
		if *to, err = filepath.Abs(name); err != nil {
			return err
		}
		if _, err := os.Stat(*to); err != nil {
			return fmt.Errorf("%w (is this the project's root, and is everything built?)", err)
		}
	}
	for to, name := range map[*string]string{&t.cat: "cat", &t.printf: "printf"} {
		if *to, err = exec.LookPath(name); err != nil {
			return err
		}
	}
	return nil
}

func (t *tools) build() error {
	for program, flags := range map[string]string{
		t.floor: "", t.worker: "", t.child: "-static -nostdlib -ffreestanding -fno-stack-protector",
	} {
		source := filepath.Join(home, "floor", filepath.Base(program)+".c")
		args := append(strings.Fields("-O2 "+flags), "-o", program, source)
		if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", source, err, out)
		}
	}
	return nil
}

// run returns bootstrap with a command and more options.
func (t *tools) run(way string, command []string, more ...string) contender {
	list, _ := json.Marshal(command) // strings can be
	return contender{
		way: "bootstrap, " + way, command: []string{t.bootstrap}, code: t.bash,
		env: append(more, "BOOTSTRAP_COMMAND="+string(list)),
	}
}

// resident returns bootstrap with a resident worker.
func (t *tools) resident(way string, command ...string) contender {
	return t.run(way, command, "BOOTSTRAP_ADAPTER=worker")
}

// function returns bootstrap with the function in a code folder.
func (t *tools) function(way, code string) contender {
	return contender{way: "bootstrap, " + way, command: []string{t.bootstrap}, code: code}
}

// inC returns the floor program.
func (t *tools) inC(way string, arguments ...string) contender {
	return contender{way: "C, " + way, command: append([]string{t.floor}, arguments...), code: t.bash}
}

// inGo returns the function on AWS's library for Go.
func (t *tools) inGo() contender {
	return contender{way: "AWS's library for Go", command: []string{t.lambdaGo}, code: t.bash, on: lambda, missing: t.lambdaGoMissing}
}

func (t *tools) inBash() contender {
	return contender{way: "bash and curl, bash function", command: []string{t.bashCurl}, code: t.bash}
}
