package envfile

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Variable
		errs       string
	}{
		{"nothing", "", nil, "[]"},
		{"comments and blank lines", "# A=1\n\n \t\n  # B=2", nil, "[]"},
		{"plain", "A=1\nB = two words \n export C=3\nD=", []Variable{{"A", "1", 1}, {"B", "two words", 2}, {"C", "3", 3}, {"D", "", 4}}, "[]"},
		{"Windows", "\uFEFFA=1\r\n\r\nB='2'\r\n", []Variable{{"A", "1", 1}, {"B", "2", 3}}, "[]"},
		{"to the end of the line", "A=1 # one\nB=b#c\nC=a=b", []Variable{{"A", "1 # one", 1}, {"B", "b#c", 2}, {"C", "a=b", 3}}, "[]"},
		{"nothing is expanded", "A=x\nB=echo $1 ${A} `A` \\n", []Variable{{"A", "x", 1}, {"B", "echo $1 ${A} `A` \\n", 2}}, "[]"},
		{"JSON", `A=["jq", ".a # $b"]` + "\nB={\"a\": \"b\"}", []Variable{{"A", `["jq", ".a # $b"]`, 1}, {"B", `{"a": "b"}`, 2}}, "[]"},
		{"quotes", `A='["jq", ".a"]'` + "\nB=\" two \"\nC=\"it's\"\nD=''", []Variable{{"A", `["jq", ".a"]`, 1}, {"B", " two ", 2}, {"C", "it's", 3}, {"D", "", 4}}, "[]"},
		{"no escapes", `A="a\tb\\"`, []Variable{{"A", `a\tb\\`, 1}}, "[]"},
		{"quotes within", `A=it's "so"` + "\nB=\"a\" and \"b\"", []Variable{{"A", `it's "so"`, 1}, {"B", `"a" and "b"`, 2}}, "[]"},
		{"twice", "A=1\nA=2", []Variable{{"A", "1", 1}, {"A", "2", 2}}, "[]"},

		{"no value", "A\n", nil, "[line 1: expected NAME=value, with a name of letters, digits and _]"},
		{"no name", "\n=1\n", nil, "[line 2: expected NAME=value, with a name of letters, digits and _]"},
		{"not a name", "A B=hush\n1A=hush\nA=1", []Variable{{"A", "1", 3}}, "[line 1: expected NAME=value, with a name of letters, digits and _ line 2: expected NAME=value, with a name of letters, digits and _]"},
		{"YAML", "A: hush", nil, "[line 1: expected NAME=value, with a name of letters, digits and _]"},
		{"an open quote", "A='hush\nB=1", []Variable{{"B", "1", 2}}, "[line 1: a quote is not closed on this line: expected NAME=value on one line]"},
		{"a NUL", "A=hush\x00hush", nil, "[line 1: a value cannot contain a NUL byte]"},
		{"UTF-16", "\xFF\xFEA\x00=\x001\x00", nil, "[line 1: expected NAME=value, with a name of letters, digits and _]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, errs := Parse(test.text)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if text := fmt.Sprint(errs); text != test.errs {
				t.Errorf("got the errors %s, want %s", text, test.errs)
			}
		})
	}
}

// No text panics, and no error contains a value.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"A=1\nB='2'\n", "\uFEFFA=1\r\n", "export A = b c", "A='", "A", "=", "A=\"", "A=1\rB=2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, errs := Parse(text)
		if lines := strings.Count(text, "\n") + 1; len(vars)+len(errs) > lines {
			t.Errorf("got %d variables and %d errors of %d lines", len(vars), len(errs), lines)
		}
		for _, v := range vars {
			if !IsName(v.Name) || strings.ContainsAny(v.Value, "\n\x00") {
				t.Errorf("got %+v", v)
			}
		}
	})
}
