package integration

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const pageHead = `# Faults

Faults that occur in cloud functions, and how bootstrap and comparable programs handle them. The worst outcomes are in bold.
*Failure* means an error that is reported to the platform, with its type.

The tests of bootstrap measured it on %s, on the local platform as Tencent SCF: %s, %s, %d processors.
` + "`make faults`" + ` writes this page; each row is a test. The other programs were measured on another day on the same kind of
machine, so compare the orders of magnitude.
`

const inEachWayText = `
## When a process waits for the event

The same faults in a program that was started in advance (standby), in a function that a resident bash, sh, Python or Node has
loaded, and in a resident worker. Python, Node and the worker run the script of the first table for each event and exit with its
status, so bootstrap starts a new one for the next event. They run 50 events where the table says 200.

`

// page returns the text of docs/faults.md.
func (c *cells) page() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, pageHead, time.Now().UTC().Format("2 January 2006"), kernel(), runtime.GOARCH, runtime.NumCPU())
	for _, m := range matrices {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", m.title, m.text)
		fmt.Fprintf(&b, "| %s | bootstrap | %s |\n|%s\n", m.subject, m.others, strings.Repeat(" --- |", 3+strings.Count(m.others, "|")))
		for _, r := range m.rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, c.get(r, "stdin"), r.others)
		}
	}
	b.WriteString(inEachWayText)
	fmt.Fprintf(&b, "| the program … | %s |\n|%s\n", strings.Replace(strings.Join(waiting, " | "), "function", "bash", 1), strings.Repeat(" --- |", 1+len(waiting)))
	for _, r := range matrices[0].rows {
		fmt.Fprintf(&b, "| %s ", r.name)
		for _, way := range waiting {
			fmt.Fprintf(&b, "| %s ", c.get(r, way))
		}
		b.WriteString("|\n")
	}
	return b.Bytes()
}

// kernel returns the kernel's version without its suffix.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // missing: no number
	return "Linux " + regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(string(release))
}
