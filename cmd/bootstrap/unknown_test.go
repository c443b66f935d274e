package main

import (
	"slices"
	"testing"
)

// C07: a typo in the name of an option is reported with the nearest option.
func TestC07Unknown(t *testing.T) {
	found, nearest := unknownOptions([]string{
		"BOOTSTRAP_TIMEOUT=1s", "BOOTSTRAP_TIMEUOT=secret", "BOOTSTRAP_DELIVER=argv", "BOOTSTRAP_LOGLEVEL=debug", "BOOTSTRAP_WAIT=tcp://db:1",
		"BOOTSTRAP=x", "PATH=/bin", "bootstrap_grace=1s",
	})
	if want := []string{"BOOTSTRAP_TIMEUOT", "BOOTSTRAP_DELIVER", "BOOTSTRAP_LOGLEVEL", "BOOTSTRAP_WAIT"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	if want := []string{"BOOTSTRAP_TIMEOUT", "BOOTSTRAP_DELIVERY", "BOOTSTRAP_LOG_LEVEL", "BOOTSTRAP_WAIT_FOR"}; !slices.Equal(nearest, want) {
		t.Errorf("got %q, want %q", nearest, want)
	}
}
