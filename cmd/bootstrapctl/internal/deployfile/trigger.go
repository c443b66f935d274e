package deployfile

import (
	"errors"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/schedule"
)

// timer checks the schedule of a trigger, and adds the trigger to a function. v is
// the schedule's place in the file.
func (r *reader) timer(f *Function, t Trigger, v value) {
	t.Kind, t.Integrated = Timer, false
	if !v.given() {
		r.complain(t.Line, "function %s: a timer has no %s", f.Name, v.name)
		return
	}
	text, ok := v.scalar()
	if !ok {
		return
	}
	t.Cron = text
	_, err := schedule.Parse(f.Platform, text)
	switch {
	case errors.Is(err, schedule.ErrUnsupported):
		r.note(v.line(), "function %s: %v: fire the timer yourself", f.Name, err)
	case err != nil:
		r.complain(v.line(), "function %s: %v", f.Name, err)
	}
	f.Triggers = append(f.Triggers, t)
}

// http adds a trigger to a function.
func (r *reader) http(f *Function, t Trigger) {
	t.Kind = HTTP
	t.Method = strings.ToUpper(t.Method)
	if t.Method == "*" {
		t.Method = "ANY"
	}
	if t.Path != AnyPath && !strings.HasPrefix(t.Path, "/") {
		t.Path = "/" + t.Path
	}
	f.Triggers = append(f.Triggers, t)
}

// ignored notes a trigger of another kind.
func (r *reader) ignored(f *Function, line int, kind string) {
	r.note(line, "function %s: the local platform sends no events of %s", f.Name, kind)
}
