package doctor

import "strings"

// checkOptions lets the runtime check its options, and looks for a Procfile that no
// option names.
func (x *exam) checkOptions() {
	if x.Tree.File("Procfile") != nil && x.vars["BOOTSTRAP_SIDECARS"] == "" {
		x.add("procfile-unused", "Procfile")
	}
	if x.Check == nil {
		x.skip("the options of the runtime, because only the runtime can check them, and it needs Linux")
		return
	}
	env := append(environment(x.Platform, x.Tree.Dir, x.Handler), x.Env...)
	lines, err := x.Check(x.ctx, x.Tree.Dir, env)
	if err != nil {
		x.skip("the options of the runtime: %v", err)
		return
	}
	for _, line := range lines {
		level, text, _ := strings.Cut(line, ": ")
		id := map[string]string{"error": "option", "warning": "option-unknown"}[level]
		if id != "" {
			x.add(id, placeOf(text), "what", x.onPlatform(text))
		}
	}
}

// placeOf returns the file that a complaint is about.
func placeOf(text string) string {
	for _, file := range []string{"bootstrap.env", "Procfile"} {
		if strings.Contains(text, file+":") {
			return file
		}
	}
	return ""
}
