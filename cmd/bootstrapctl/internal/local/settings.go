package local

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"bootstrap/protocol"
)

// Settings are the settings of a function that its owner chooses.
type Settings struct {
	Name        string
	Platform    *protocol.Platform
	Handler     string // empty: index.main_handler
	Description string
	Runtime     string        // as the owner calls it, such as "provided.al2023"
	Timeout     time.Duration // 0: 3 s
	InitTimeout time.Duration // 0: the platform's
	MemoryMB    int           // 0: 128
	Env         []string      // NAME=value
	Instances   int           // maximum; 0: the Cloud's
	Triggers    []Trigger
}

// A Trigger sends events to a function.
type Trigger struct {
	Kind    string // "http" or "timer"
	Name    string
	Enabled bool

	Gateway    string // of http: the name of a gateway in package gateway
	Method     string // "ANY": all
	Path       string
	Integrated bool // true: the answer has status, headers and body; false: the answer is the body
	Base64     bool // the body of the event is base64
	Stage      string

	Cron     string // of timer, as the platform writes it
	Argument string // of timer: the event, or a part of it
}

func (s Settings) withDefaults() Settings {
	s.Handler = cmp.Or(s.Handler, "index.main_handler")
	s.Timeout = cmp.Or(s.Timeout, 3*time.Second)
	s.MemoryMB = cmp.Or(s.MemoryMB, 128)
	return s
}

// runsLike reports whether instances with other settings do the same. Triggers and the
// description do not reach them.
func (s Settings) runsLike(other Settings) bool {
	s.Triggers, s.Description = other.Triggers, other.Description
	return reflect.DeepEqual(s, other)
}

// An Invalid is a setting that the platform refuses.
type Invalid struct {
	Field string // "Name", "Timeout", "InitTimeout", "MemoryMB", "Env", "Package"
	Why   string
}

func (e *Invalid) Error() string { return e.Field + ": " + e.Why }

// check returns an *Invalid for the first setting that the platform refuses.
func (s Settings) check() error {
	l := LimitsOf(s.Platform)
	seconds := int(s.Timeout / time.Second)
	switch {
	case !l.Names.MatchString(s.Name) || len(s.Name) > l.Name:
		return &Invalid{"Name", fmt.Sprintf("%q: expected at most %d characters of the form %s", s.Name, l.Name, l.Names)}
	case s.Timeout <= 0 || seconds > l.Timeout:
		return &Invalid{"Timeout", fmt.Sprintf("%v: expected at most %d seconds", s.Timeout, l.Timeout)}
	case s.InitTimeout < 0 || int(s.InitTimeout/time.Second) > l.InitTimeout:
		return &Invalid{"InitTimeout", fmt.Sprintf("%v: expected at most %d seconds", s.InitTimeout, l.InitTimeout)}
	case s.MemoryMB < l.MemoryMin || s.MemoryMB > l.MemoryMax:
		return &Invalid{"MemoryMB", fmt.Sprintf("%d: expected %d to %d MB", s.MemoryMB, l.MemoryMin, l.MemoryMax)}
	}
	return s.checkEnv(l)
}

func (s Settings) checkEnv(l Limits) error {
	total := 0
	for _, v := range s.Env {
		name, value, ok := strings.Cut(v, "=")
		if total += len(name) + len(value); !ok || name == "" || strings.ContainsRune(v, 0) {
			return &Invalid{"Env", fmt.Sprintf("%q: expected NAME=value without zero bytes", name)} // the value may be a secret
		}
	}
	if total > l.Env {
		return &Invalid{"Env", fmt.Sprintf("the variables have %d bytes: expected at most %d", total, l.Env)}
	}
	return nil
}
