package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/internal/envfile"
)

// Any value of any option, set anywhere, is accepted, or the error names the
// option and the place.
func FuzzConfig(f *testing.F) {
	for i := range options() {
		for _, value := range []string{"", "0", "10", "10s", "-1s", "1e300h", "true", "x", "3=ok", "3=", "=", "256=ok", "1=Function.A,1=ok", "tcp://a:1", "http://a@b:1", "A,b", "\n", "é", `'"#$`} {
			f.Add(uint8(i), value, i%2 == 0)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which uint8, value string, inFile bool) {
		if strings.Contains(value, "\x00") {
			return // a variable cannot hold it
		}
		for _, o := range options() {
			os.Unsetenv(o.name) // t.Setenv is too slow for millions of tries
		}
		o := options()[int(which)%len(options())]
		origin := "environment"
		if inFile && len(value) < 10_000 && fitsEnvFile(value) {
			origin = "bootstrap.env:2"
			writeEnvFile(t, dir, o.name, value)
		} else {
			writeEnvFile(t, dir, "FUZZED", "")
			if err := os.Setenv(o.name, value); err != nil {
				t.Fatal(err)
			}
		}
		c, err := readConfig(dir)
		named := fmt.Sprintf("%s is %q (%s)", o.name, value, origin)
		if o.private {
			named = fmt.Sprintf("%s (%s): ", o.name, origin)
		}
		if err != nil && !strings.Contains(err.Error(), named) {
			t.Errorf("%s: got the error %v", named, err)
		}
		if err == nil && (c.Timeout < 0 || c.Margin < 0 || c.Grace < 0 || c.StopTimeout < 0 || c.Origin(o.name) != origin) {
			t.Errorf("%s: got %+v", named, c)
		}
	})
}

// fitsEnvFile reports whether a file can hold a value as it is.
func fitsEnvFile(value string) bool {
	found, errs := envfile.Parse("A=" + value)
	return len(errs) == 0 && len(found) == 1 && found[0].Value == value
}

// writeEnvFile writes a file with one variable, on line 2.
func writeEnvFile(t *testing.T, dir, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, envFile), []byte("# a comment\n"+name+"="+value+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
