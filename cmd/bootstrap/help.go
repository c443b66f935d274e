package main

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

const usage = `bootstrap runs a command or a function of a script as a cloud function.

Put it next to index.sh, zip both, upload the zip as a custom runtime and set
the handler to index.main_handler. On a platform it takes no argument; on this
machine "bootstrapctl invoke" runs the same function.

Arguments: check, help, version, probe. "bootstrap check" prints what is wrong
with the options, and starts nothing. "bootstrap probe" tries what the sandbox in
which it runs lets programs do, and prints it in 60 lines at most, without values
of variables. BOOTSTRAP_COMMAND='["./bootstrap", "probe"]' does so on a platform.

Options are variables. They may also stand in a file bootstrap.env beside the
code, NAME=value on each line; what the environment has, wins. A time has its
unit, as 10s or 250ms.

`

func help(out io.Writer) {
	fmt.Fprint(out, usage)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range options() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", o.name, o.value, o.text)
	}
	_ = table.Flush() // the terminal is gone: nobody to tell
}

// An option is a field of Config as the user sees it.
type option struct {
	name, value, text string
	private           bool // its value may be a secret
}

// options reads Config's tags. envconfig.Usagef would, too, but its templates
// add a third to the size of the program.
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

// optionName is the name of the option in that field.
func optionName(field reflect.StructField) string {
	return prefix + "_" + strings.ToUpper(wordBoundary().ReplaceAllString(field.Name, "${1}_$2"))
}

var wordBoundary = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([a-z])([A-Z])`) })

// isPrivate says whether an option's value may be a secret.
func isPrivate(name string) bool {
	return slices.ContainsFunc(options(), func(o option) bool { return o.name == name && o.private })
}
