package main

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const usage = `bootstrap runs a command or a function of a script as a cloud function.

Put it next to index.sh, zip both, upload the zip as a custom runtime and set
the handler to index.main_handler. The platform starts it without arguments. To
run the same function on this machine, use "bootstrapctl invoke".

Arguments:
  check    print errors in the options, and start nothing
  probe    print what the sandbox lets programs do, in 60 lines at most and
           without values of variables; on a platform, set
           BOOTSTRAP_COMMAND='["./bootstrap", "probe"]'
  version  print the version
  help     print this text
  HANDLER  run with this handler; an image with bootstrap as its ENTRYPOINT
           names the handler in CMD

Options are variables of the environment, or lines NAME=value of a file
bootstrap.env beside the code. The environment wins. A time has a unit, as in
10s or 250ms.

`

// help prints the usage and the options, in columns. Package tabwriter would make
// the program 12 KB larger.
func help(out io.Writer) {
	fmt.Fprint(out, usage)
	var names, values int // the widths of the columns
	for _, o := range options() {
		names, values = max(names, len(o.name)), max(values, len(o.value))
	}
	for _, o := range options() {
		fmt.Fprintf(out, "%-*s  %-*s  %s\n", names, o.name, values, o.value, o.text)
	}
}

// An option is a field of Config as the user sees it.
type option struct {
	name, value, text string
	private           bool // its value may be a secret
}

// options reads the tags of Config. The templates of envconfig.Usagef would add
// a third to the size of the program.
func options() (all []option) {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			continue
		}
		all = append(all, option{optionName(field), field.Tag.Get("default"), field.Tag.Get("desc"), field.Tag.Get("private") != ""})
	}
	return all
}

// optionName returns the name of the option in a field.
func optionName(field reflect.StructField) string {
	return prefix + "_" + strings.ToUpper(wordBoundary().ReplaceAllString(field.Name, "${1}_$2"))
}

var wordBoundary = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([a-z])([A-Z])`) })

// isPrivate reports whether the value of an option may be a secret.
func isPrivate(name string) bool {
	return slices.ContainsFunc(options(), func(o option) bool { return o.name == name && o.private })
}
