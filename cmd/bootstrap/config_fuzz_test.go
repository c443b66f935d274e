package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Whatever an option is set to: it is taken, or the complaint names it.
func FuzzConfig(f *testing.F) {
	for i := range options() {
		for _, value := range []string{"", "0", "10", "10s", "-1s", "1e300h", "true", "x", "3=ok", "3=", "=", "256=ok", "1=Function.A,1=ok", "\n", "é"} {
			f.Add(uint8(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		if strings.Contains(value, "\x00") {
			return // no variable can hold it
		}
		for _, o := range options() {
			os.Unsetenv(o.name) // a t.Setenv for each of millions of tries is slow
		}
		name := options()[int(which)%len(options())].name
		if err := os.Setenv(name, value); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig()
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%s is %q: ", name, value)) {
			t.Errorf("%s=%q: got the complaint %v", name, value, err)
		}
		if err == nil && (c.Timeout < 0 || c.Margin < 0 || c.Grace < 0) {
			t.Errorf("%s=%q: got %+v", name, value, c)
		}
	})
}
