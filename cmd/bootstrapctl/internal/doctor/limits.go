package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bootstrap/protocol"
)

// Size returns a number of bytes for people.
func Size(bytes int64) string {
	switch {
	case bytes >= megabyte:
		return fmt.Sprintf("%.1f MB", float64(bytes)/megabyte)
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// checkSizes compares the size of the package with the platform's limits.
func (x *exam) checkSizes() {
	if size, limit := x.Tree.Size(), x.system.unpacked; size > limit {
		x.add("unpacked-size", "", "size", Size(size), "limit", Size(limit))
	}
	x.Findings = append(x.Findings, PackedSize(x.Platform.Name, x.Tree.Packed)...)
}

// PackedSize returns the findings about the size of a zip.
func PackedSize(platform string, size int64) []Finding {
	s := systems[platform]
	switch {
	case s.packed > 0 && size > s.packed:
		return []Finding{ruleOf("packed-size").finding(platform, "", "size", Size(size), "limit", Size(s.packed))}
	case size > s.upload:
		return []Finding{ruleOf("upload-size").finding(platform, "", "size", Size(size), "limit", Size(s.upload), "storage", s.storage)}
	}
	return nil
}

// Limits returns the limits of a platform, in bytes: for a zip that is uploaded
// directly, and for its files.
func Limits(platform string) (upload, unpacked int64) {
	return systems[platform].upload, systems[platform].unpacked
}

// Reserves reports whether a platform does not let a function set that variable.
func Reserves(p *protocol.Platform, name string) bool {
	reserved := systems[p.Name].reserved
	return reserved != nil && reserved.MatchString(name)
}

// checkVariables checks the function's variables, but not those in bootstrap.env,
// which the platform does not see.
func (x *exam) checkVariables() {
	total := 0
	for _, v := range x.Env {
		name, value, _ := strings.Cut(v, "=")
		total += len(name) + len(value)
		switch {
		case Reserves(x.Platform, name):
			x.add("variable-reserved", "", "name", name)
		case x.system.names != nil && !x.system.names.MatchString(name):
			x.add("variable-name", "", "name", name)
		}
	}
	if total > maxVariables {
		x.add("variables-size", "", "size", strconv.Itoa(total), "limit", strconv.Itoa(maxVariables))
	}
}

// checkStart compares the time of the start with the limit of the function.
func (x *exam) checkStart() {
	if x.Started > 0 && x.Started >= x.Limit {
		x.add("slow-start", "", "took", x.Started.Round(time.Millisecond).String(), "limit", x.Limit.String(),
			"seconds", strconv.Itoa(int((x.Limit+time.Second-1)/time.Second)))
	}
}
