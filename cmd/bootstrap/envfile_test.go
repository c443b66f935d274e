package main

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/go-envparse"
)

func TestParseEnvFile(t *testing.T) {
	tests := []struct {
		name, text string
		want       []variable
		err        string // its beginning
	}{
		{"nothing", "", nil, ""},
		{"comments and blank lines", "# A=1\n\n \t\n  # B=2", nil, ""},
		{"plain", "A=1\nB = two words \n export C=3\nD=", []variable{{"A", "1", "bootstrap.env:1"}, {"B", "two words", "bootstrap.env:2"}, {"C", "3", "bootstrap.env:3"}, {"D", "", "bootstrap.env:4"}}, ""},
		{"a comment behind", "A=1 # one\nB='2' # it's two\nC= # none", []variable{{"A", "1", "bootstrap.env:1"}, {"B", "2", "bootstrap.env:2"}, {"C", "", "bootstrap.env:3"}}, ""},
		{"Windows", "\uFEFFA=1\r\n\r\nB='2'\r\n", []variable{{"A", "1", "bootstrap.env:1"}, {"B", "2", "bootstrap.env:3"}}, ""},
		{"nothing is expanded", "A=x\nB=echo $1 $A ${A} `A` \\n", []variable{{"A", "x", "bootstrap.env:1"}, {"B", "echo $1 $A ${A} `A` \\n", "bootstrap.env:2"}}, ""},
		{"single quotes", `A='["jq", ".a # $b \n"]'`, []variable{{"A", `["jq", ".a # $b \n"]`, "bootstrap.env:1"}}, ""},
		{"double quotes", `A="it's\t\"$b\" #\u00e9\\"`, []variable{{"A", "it's\t\"$b\" #é\\", "bootstrap.env:1"}}, ""},
		{"a = in a value", "A=b=c", []variable{{"A", "b=c", "bootstrap.env:1"}}, ""},
		{"twice", "A=1\nA=2", []variable{{"A", "1", "bootstrap.env:1"}, {"A", "2", "bootstrap.env:2"}}, ""},

		{"no value", "A\n", nil, "bootstrap.env:1: missing =: "},
		{"no name", "\n=1\n", nil, "bootstrap.env:2: empty key: "},
		{"not a name", "A B=1", nil, "bootstrap.env:1: key characters must be "},
		{"YAML", "A: hush", nil, "bootstrap.env:1: missing =: "},
		{"a quote that stays open", "A='hush\nB=1", []variable{{"B", "1", "bootstrap.env:2"}}, "bootstrap.env:1: unmatched ': "},
		{"two lines in quotes", "A=\"hush\nhush\"\n", nil, "bootstrap.env:1: unmatched \": "},
		{"an apostrophe", "A=it's hush", nil, "bootstrap.env:1: unmatched ': "},
		{"JSON without quotes", `A=["hush"]`, []variable{{"A", "[hush]", "bootstrap.env:1"}}, "bootstrap.env:1: quotes or # within a value: "},
		{"quotes, and more", `A='hush'hush`, []variable{{"A", "hushhush", "bootstrap.env:1"}}, "bootstrap.env:1: quotes or # within a value: "},
		{"a # within", `A=b#hush`, []variable{{"A", "b", "bootstrap.env:1"}}, "bootstrap.env:1: quotes or # within a value: "},
		{"a comment without a blank", `A='b'#hush`, []variable{{"A", "b", "bootstrap.env:1"}}, "bootstrap.env:1: quotes or # within a value: "},
		{"an unknown escape", `A="\d hush"`, nil, "bootstrap.env:1: invalid escape sequence: "},
		{"a NUL", "A=hush\x00", nil, "bootstrap.env:1: 0x00 is an invalid value character: "},
		{"UTF-16", "\xFF\xFEA\x00=\x001\x00", nil, "bootstrap.env:1: "},
		{"a line of a megabyte", "A=" + strings.Repeat("x", 1<<20), nil, "bootstrap.env:1: the line has 1048578 bytes, expected less than 65536"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, errs := parseEnvFile(test.text)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			text := fmt.Sprint(errs)
			if (len(errs) > 0) != (test.err != "") || !strings.HasPrefix(text, "["+test.err) || strings.Contains(text, "hush") {
				t.Errorf("got %s, want %s", text, test.err)
			}
		})
	}
}

// Each line is parsed as the library parses the whole file, or there is an
// error.
func FuzzEnvFile(f *testing.F) {
	for _, text := range []string{"A=1\nB='2'\n", "\uFEFFA=1\r\n", "A=\"\\u00e9\\n\" # x", "export A = b c", "A='", "A", "=", "A=b#c", "A=\"\\ud800\\udc00\"", "A=1\rB=2", "#'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, errs := parseEnvFile(text)
		for _, c := range errs {
			if !strings.HasPrefix(c.Error(), envFile+":") || strings.Contains(c.Error(), "\n") {
				t.Errorf("%q: got the error %v", text, c)
			}
		}
		want, err := envparse.Parse(strings.NewReader(strings.TrimPrefix(text, byteOrderMark)))
		if err != nil && len(errs) == 0 {
			t.Fatalf("%q: got no error, want %v", text, err)
		}
		got := map[string]string{}
		for _, v := range vars {
			got[v.name] = v.value
		}
		if err == nil && !maps.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}
