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

What goes wrong in cloud functions, and what becomes of it: in bootstrap, and in programs that do a similar thing. The worst is
in bold. A failure is an error that the platform was told, with its type.

bootstrap was measured by its tests on %s, on the local platform as Tencent SCF: %s, %s, %d processors.
` + "`make faults`" + ` writes this page anew; each row is a test that fails when it no longer holds. The others were measured on another
day on the same kind of machine: look at the shape, not at the third digit.
`

const inEachWayText = `
## Where something waits for the event

The same, where the program is started ahead (standby), is a function that a resident bash, sh, Python or Node has loaded, or a
resident worker. The hosts run the script of the first table for each event, and end as it does: that costs them themselves, and
the next event has a new one. What is done 200 times above is done 50 times with Python, Node and the worker.

`

// page is docs/faults.md.
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

// kernel is its name, without what its builders add.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // missing: no number
	return "Linux " + regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(string(release))
}
