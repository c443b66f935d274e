// Package deployfile reads deploy files for the local platform: serverless.yml
// of component scf and of the Serverless Framework, template.yaml of AWS SAM,
// and s.yaml of Serverless Devs for FunctionGraph.
package deployfile

import (
	"os"
	"path/filepath"
	"time"
)

// names lists the deploy files that Find looks for, in this order.
var names = []string{"serverless.yml", "serverless.yaml", "template.yaml", "template.yml", "s.yaml", "s.yml"}

// A File is a deploy file that could be read.
type File struct {
	Path      string
	Format    string // the tool that reads it: component scf, Serverless Framework, SAM or component fgs
	Functions []Function
	Notes     []Note // settings in the file that the local platform ignores
}

// A Note is a sentence about a line of the file.
type Note struct {
	Line int
	Text string
}

// A Function is one function of a deploy file. It has the defaults of the tool that
// deploys the file.
type Function struct {
	Name        string
	Platform    string // scf, functiongraph or lambda
	Code        string // the absolute path of a folder or a zip, which exists
	Handler     string
	Runtime     string
	MemoryMB    int
	Timeout     time.Duration
	InitTimeout time.Duration // 0 if the tool leaves it to the platform
	Env         []string      // NAME=value, sorted by name
	Concurrency int           // instances at once; 0 if the file sets no limit
	Triggers    []Trigger
	Line        int
}

// HTTP and Timer are the kinds of triggers. A trigger of another kind becomes a
// Note.
const (
	HTTP  = "http"
	Timer = "timer"
)

// AnyPath is the Path of a trigger that accepts every path.
const AnyPath = "$default"

// A Trigger sends events to a function.
type Trigger struct {
	Kind    string // HTTP or Timer
	Name    string
	Enabled bool
	Line    int

	// Of HTTP triggers:
	Gateway    string // scf, functiongraph, aws-v1 (REST), aws-v2 (HTTP API) or url (function URL)
	Path       string // begins with a slash, may hold {parameters}; or AnyPath
	Method     string // in capitals; ANY takes all
	Stage      string
	Integrated bool // the function's answer holds status and headers; if not, it is the body
	Base64     bool // bodies of requests always reach the function in base64

	// Of timers:
	Cron     string // as the file writes it; package schedule reads it
	Argument string // the timer's own message
}

// Find returns the path of the deploy file in a folder: the first of the known names
// that exists, or "".
func Find(dir string) string {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}
