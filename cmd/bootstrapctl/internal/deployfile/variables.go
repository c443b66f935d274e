package deployfile

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// newVariables returns the language of a file. names are the names that it
// knows besides paths in the file.
func newVariables(r *reader, names map[string]named) *variables {
	return &variables{r: r, names: names, known: map[string]string{}}
}

// variables is the language of the Serverless Framework, of its components and of
// Serverless Devs: ${…} in texts.
type variables struct {
	r     *reader
	names map[string]named // such as stage
	known map[string]string
	depth int // of variables inside variables
}

// A named variable has a path in the file and a default.
type named struct {
	value
	absent string
}

func (l *variables) text(node *yaml.Node) (string, bool) {
	if node.Kind != yaml.ScalarNode {
		l.r.complain(node.Line, "expected a string, found a mapping or a list")
		return "", false
	}
	return l.expand(node.Value, node.Line)
}

// expand replaces each variable in a text.
func (l *variables) expand(text string, line int) (string, bool) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		end := closing(rest)
		if end < 0 {
			l.r.complain(line, "cannot resolve ${%s: there is no closing brace", rest)
			return "", false
		}
		value, ok := l.variable(rest[:end], line)
		if !ok || !l.fits(out.Len()+len(value), line) {
			return "", false
		}
		out.WriteString(value)
		text = rest[end+1:]
	}
}

func (l *variables) fits(size, line int) bool {
	if size > maxText {
		l.r.complain(line, "expected a string of at most %d bytes", maxText)
	}
	return size <= maxText
}

// closing returns the index of the brace that closes a variable, or -1.
func closing(text string) int {
	open := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// variable returns the value of the expression between ${ and }. Commas separate
// alternatives; the first one that has a value counts.
func (l *variables) variable(expression string, line int) (string, bool) {
	l.depth++
	defer func() { l.depth-- }()
	if l.depth > maxDepth {
		l.r.complain(line, "cannot resolve a variable inside %d others", maxDepth)
		return "", false
	}
	problems := len(l.r.problems)
	for _, alternative := range alternatives(expression) {
		if text, ok := l.alternative(alternative, line); ok {
			return text, true
		}
	}
	if len(l.r.problems) == problems { // none about a variable inside this one
		l.r.complain(line, "cannot resolve ${%s}%s", expression, remedy(expression))
	}
	return "", false
}

// alternatives splits an expression at the commas outside quotes and braces.
func alternatives(expression string) []string {
	var all []string
	begin, open, quote := 0, 0, rune(0)
	for i, c := range expression {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			open++
		case c == '}':
			open--
		case c == ',' && open == 0:
			all = append(all, strings.TrimSpace(expression[begin:i]))
			begin = i + 1
		}
	}
	return append(all, strings.TrimSpace(expression[begin:]))
}

// literal matches a constant after a comma: 'dev', "dev", 30, true.
var literal = regexp.MustCompile(`^(?:'([^']*)'|"([^"]*)"|([0-9]+|true|false))$`)

// alternative returns the value of a constant or of a name.
func (l *variables) alternative(text string, line int) (string, bool) {
	if parts := literal.FindStringSubmatch(text); parts != nil {
		return parts[1] + parts[2] + parts[3], true
	}
	name, ok := l.expand(text, line)
	if !ok {
		return "", false
	}
	if parts := environment.FindStringSubmatch(name); parts != nil {
		value := l.r.getenv(parts[1] + parts[2])
		return value, value != ""
	}
	if text, ok := l.known[name]; ok {
		return text, true
	}
	target := l.named(name)
	switch {
	case !target.given():
		return target.absent, target.absent != ""
	case !target.is(yaml.ScalarNode):
		l.r.complain(line, "cannot resolve ${%s}: it is a mapping or a list", name)
		return "", false
	}
	resolved, ok := target.scalar()
	if ok {
		l.known[name] = resolved // avoids exponential work for texts that refer to others twice
	}
	return resolved, ok
}

// environment matches a variable of the environment: env.X, env:X or env(X).
var environment = regexp.MustCompile(`^env(?:[.:](\w+)|\(['"]?(\w+)['"]?\))$`)

// inFile matches a place in the file: self:a.b, or vars.a.
var inFile = regexp.MustCompile(`^(?:self:([\w.-]+)|(vars\.[\w.-]+))$`)

// named returns the variable with that name, or one without a value.
func (l *variables) named(name string) named {
	if n, ok := l.names[name]; ok {
		return n
	}
	parts := inFile.FindStringSubmatch(name)
	if parts == nil {
		return named{}
	}
	at := l.r.root
	for _, key := range strings.Split(parts[1]+parts[2], ".") {
		if !at.is(yaml.MappingNode) {
			return named{}
		}
		at = at.child(key)
	}
	return named{value: at}
}

// remedy returns a remedy for an expression that cannot be resolved, if one is
// known.
func remedy(expression string) string {
	if parts := environment.FindStringSubmatch(alternatives(expression)[0]); parts != nil {
		return ": set " + parts[1] + parts[2] + " in the environment"
	}
	if strings.HasPrefix(expression, "opt:") {
		return ": add a default, as in ${" + expression + ", 'dev'}"
	}
	return ""
}

// whole follows a text that is nothing but a variable for a mapping or a list.
func (l *variables) whole(node *yaml.Node) *yaml.Node {
	l.depth++
	defer func() { l.depth-- }()
	for range maxDepth - l.depth {
		inside, ok := strings.CutPrefix(node.Value, "${")
		if node.Kind != yaml.ScalarNode || !ok || closing(inside) != len(inside)-1 {
			return node
		}
		if !l.r.step(node, 1) {
			return node
		}
		name, ok := l.expand(strings.TrimSuffix(inside, "}"), node.Line)
		target := l.named(name).node
		if !ok || target == nil || alias(target).Kind == yaml.ScalarNode && !strings.HasPrefix(alias(target).Value, "${") {
			return node
		}
		node = alias(target)
	}
	l.r.complain(node.Line, "cannot resolve %s: it refers to itself", node.Value)
	return node
}
