package emulator

import (
	"os"
	"os/exec"
	"testing"

	"bootstrap/protocol"
)

func TestPeakMemory(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	g.invoke("hello", Result)
	alone := g.PeakMemory()
	if alone < 1<<20 {
		t.Errorf("got %d bytes for the runtime alone", alone)
	}
	g.invoke("spawn "+helper("large"), Result)
	if got := g.PeakMemory(); got < alone/2+64<<20 { // -race may need several times that
		t.Errorf("got %d bytes with a child of 64 MB, %d without", got, alone)
	}
}

// peakOf returns the correct memory of a process that has exited, or 0.
func TestPeakOf(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{helper("large"), quickExit}
	ended := ""
	i, err := startInstance(cmd, "NOBODY=", memoryLimit{}, (*exec.Cmd).Start, func(reason string) { ended = reason })
	if err != nil {
		t.Fatal(err)
	}
	<-i.done
	if ended != "exit status 0" || i.peak != 0 && i.peak < 64<<20 {
		t.Errorf("got %q, %d bytes, want at least 64 MB or 0", ended, i.peak)
	}
}
