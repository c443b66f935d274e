package nearest

import "testing"

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"abc", "acb", 2}, {"kitten", "sitting", 3}} {
		if got := Distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestOf(t *testing.T) {
	names := []string{"timeout", "memory", "repeat", "v"}
	for misspelt, want := range map[string]string{"timeuot": "timeout", "tmeout": "timeout", "memroy": "memory", "x": "v", "colour": "", "handler": ""} {
		if got, _ := Of(misspelt, names); got != want {
			t.Errorf("%q: got %q, want %q", misspelt, got, want)
		}
	}
}
