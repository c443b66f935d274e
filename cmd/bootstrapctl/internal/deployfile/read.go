package deployfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxSize bounds a deploy file. CloudFormation's limit is the same.
const maxSize = 1 << 20

// maxSteps bounds the work for one file. Aliases and variables can refer to each
// other so that a short file grows without end.
const maxSteps = 100_000

// A reader reads one file and collects its problems.
type reader struct {
	file     File
	dir      string // of the file, absolute
	root     value
	getenv   func(string) string
	language language
	mappings map[*yaml.Node][]pair
	problems []problem
	said     map[any]bool // the problems and notes so far
	asked    map[*yaml.Node]map[string]bool
	steps    int // left
	depth    int // of values that refer to each other
}

// Read reads a deploy file. The error names every problem with its line. getenv
// returns the variables that the file takes from the environment.
func Read(file string, getenv func(string) string) (*File, error) {
	text, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	node, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	r := &reader{
		file:     File{Path: file},
		dir:      filepath.Dir(path),
		getenv:   getenv,
		mappings: map[*yaml.Node][]pair{},
		said:     map[any]bool{},
		asked:    map[*yaml.Node]map[string]bool{},
		steps:    maxSteps,
	}
	r.root = value{r: r, node: node, name: "the file"}
	r.language = newVariables(r, nil)
	r.functions()
	if len(r.file.Functions) == 0 && len(r.problems) == 0 {
		r.complain(1, "the file has no functions")
	}
	return r.result()
}

// read returns the content of a file of a bounded size.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("expected at most %d bytes", maxSize)
	}
	return text, err
}

// parse returns the root of a YAML file, or nil for an empty one.
func parse(file string, text []byte) (*yaml.Node, error) {
	var first, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&first)
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		return nil, fmt.Errorf("%s:%d: expected one YAML document, found a second", file, second.Line)
	case err != io.EOF:
		line, cause := where(err)
		return nil, fmt.Errorf("%s:%d: cannot parse YAML: %s", file, line, cause)
	case len(first.Content) == 0:
		return nil, nil
	}
	return first.Content[0], nil
}

// where returns the line and the cause of an error of the YAML library.
func where(err error) (line int, cause string) {
	var bad *yaml.LoadError
	if !errors.As(err, &bad) {
		return 1, err.Error()
	}
	return max(bad.Mark.Line, 1), bad.Message
}

// functions finds the tool that deploys the file, and reads the file as that
// tool does.
func (r *reader) functions() {
	switch resources := r.root.get("Resources"); {
	case r.root.get("component").given():
		r.component()
	case r.root.get("functions").given() || r.root.get("provider").given():
		r.plugin()
	case resources.given() && r.tencent(resources):
		r.complain(resources.line(), "Tencent's SAM has no custom runtime: write a serverless.yml with component: scf")
	case resources.given():
		r.sam(resources)
	case r.root.get("services").given() || r.root.get("resources").given():
		r.devs()
	default:
		r.complain(1, "cannot tell what deploys this file: expected a serverless.yml with component: scf, "+
			"a serverless.yml with functions: and provider: tencent, huawei or aws, a template.yaml of AWS SAM or CloudFormation, "+
			"or an s.yaml with component: fgs")
	}
}

// tencent reports whether the resources belong to Tencent's SAM.
func (r *reader) tencent(resources value) bool {
	for _, p := range resources.pairs() {
		if p.is(yaml.MappingNode) && strings.HasPrefix(p.get("Type").text(""), "TencentCloud::") {
			return true
		}
	}
	return false
}

// step counts the work on a node, and reports whether to continue.
func (r *reader) step(node *yaml.Node, work int) bool {
	if r.steps <= 0 {
		return false
	}
	if r.steps -= work; r.steps <= 0 {
		r.complain(node.Line, "the file refers to itself too many times")
	}
	return r.steps > 0
}
