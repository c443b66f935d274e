package events

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"
)

// The event of a timer has the fields of the platform's sample.
func TestTimer(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for platform, sample := range map[string]string{"scf": "timer", "functiongraph": "timer", "lambda": "schedule"} {
		i := slices.IndexFunc(All, func(t Template) bool { return t.Platform == platform && t.Name == sample })
		text, err := All[i].Event(Request{})
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(Timer(platform, "every-day", "text", at), &got); err != nil {
			t.Fatal(err)
		}
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
			t.Errorf("%s: the fields are %q", platform, names)
		}
		for _, name := range []string{"time", "Time"} {
			if got[name] != want[name] {
				t.Errorf("%s: %s is %v, want %v", platform, name, got[name], want[name])
			}
		}
	}
	if got := string(Timer("lambda", "every-day", `{"a":1}`, at)); got != `{"a":1}` {
		t.Errorf("a rule with an input: got %s", got)
	}
}
