package adapters

import (
	"time"

	"bootstrap/protocol"
)

// A Delivery says how an event reaches a program.
type Delivery string

const (
	Stdin Delivery = "stdin" // on standard input
	Argv  Delivery = "argv"  // as the last argument
	File  Delivery = "file"  // in a file, whose path is the last argument
)

// Settings describe the command and how to run it. They are plain data, the
// same for all slots.
type Settings struct {
	Platform        *protocol.Platform
	Command         string            // what to run; empty: what Handler means
	Handler         string            // as the platform gives it
	Dir             string            // the code folder, absolute; also the working directory
	Delivery        Delivery          // of events to a program
	ResultFD3       bool              // the result is on descriptor 3, and stdout is a log
	ExitCodes       map[int]string    // the meaning of exit statuses: OK, or a failure of that type
	FailOnStderr    bool              // any output on stderr is a failure
	Keep            bool              // processes that an event leaves behind may run on
	Worker          bool              // the program is resident and speaks frames
	Standby         bool              // the program for the next event starts before the event arrives
	PTY             bool              // the command logs to a terminal
	LogFormat       string            // the format of the log, which hosts must know: text or json
	StartTimeout    time.Duration     // until a resident program is ready; 0: no limit
	MaxEvents       int               // of one worker; 0: any number
	MaxMemory       int               // bytes that a worker may hold between events; 0: any number
	PassCredentials bool              // the command gets the credentials that come with an event
	Interpreters    map[string]string // paths of interpreters, by name, that are not in PATH
	TempPerEvent    bool              // each event has a TMPDIR of its own
	Secrets         []string          // names of variables whose values must be hidden
}

// OK is the meaning of an exit status in Settings.ExitCodes that is not a failure.
const OK = "ok"
