package deployfile

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// intrinsics is the language of CloudFormation: !Ref and !Sub of parameters
// with a default. All other functions depend on resources that AWS creates.
type intrinsics struct{ r *reader }

func (l intrinsics) whole(node *yaml.Node) *yaml.Node { return node }

func (l intrinsics) text(node *yaml.Node) (string, bool) {
	function, argument := call(node)
	switch {
	case function == "Ref" && argument.Kind == yaml.ScalarNode:
		return l.parameter(argument.Value, "!Ref "+argument.Value, node.Line)
	case function == "Fn::Sub" && argument.Kind == yaml.ScalarNode:
		return l.sub(argument.Value, nil, node.Line)
	case function == "Fn::Sub" && argument.Kind == yaml.SequenceNode && len(argument.Content) == 2:
		return l.subWith(alias(argument.Content[0]), argument.Content[1])
	case function != "":
		l.r.complain(node.Line, "cannot resolve !%s: write its value, or !Ref a parameter with a Default", strings.TrimPrefix(function, "Fn::"))
		return "", false
	case node.Kind == yaml.ScalarNode:
		return node.Value, true
	}
	l.r.complain(node.Line, "expected a string, found a mapping or a list")
	return "", false
}

// call returns the function and the argument of !Ref X, !Sub X and their like, or of
// {Ref: X} and {Fn::Sub: X}.
func call(node *yaml.Node) (function string, argument *yaml.Node) {
	if name, ok := strings.CutPrefix(node.Tag, "!"); ok && name != "" && name[0] != '!' {
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return name, node
	}
	if node.Kind == yaml.MappingNode && len(node.Content) == 2 {
		name := node.Content[0].Value
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return name, alias(node.Content[1])
		}
	}
	return "", nil
}

// parameter returns the default of a parameter.
func (l intrinsics) parameter(name, source string, line int) (string, bool) {
	parameter := l.r.root.get("Parameters", name)
	absent := parameter.get("Default")
	switch {
	case !parameter.given():
		l.r.complain(line, "cannot resolve %s: %s is not a parameter of this file", source, name)
	case !absent.given():
		l.r.complain(line, "cannot resolve %s: give the parameter a Default", source)
	case strings.HasPrefix(parameter.get("Type").text(""), "AWS::SSM::"):
		l.r.complain(line, "cannot resolve %s: the parameter's value is in AWS Systems Manager", source)
	case alias(absent.node).Kind != yaml.ScalarNode:
		absent.expected("a string")
	default:
		return alias(absent.node).Value, true
	}
	return "", false
}

// inSub matches ${Name}, and ${!Name} for a text that stays as ${Name}.
var inSub = regexp.MustCompile(`\$\{(!?)\s*([^}]*?)\s*\}`)

// sub replaces the names in a text.
func (l intrinsics) sub(text string, local map[string]string, line int) (string, bool) {
	all, size := true, 0
	text = inSub.ReplaceAllStringFunc(text, func(match string) string {
		parts := inSub.FindStringSubmatch(match)
		if parts[1] != "" {
			return "${" + parts[2] + "}"
		}
		value, ok := local[parts[2]]
		if !ok {
			value, ok = l.parameter(parts[2], "${"+parts[2]+"}", line)
		}
		all = all && ok
		if size += len(value); size > maxText {
			l.r.complain(line, "!Sub: expected at most %d bytes", maxText)
			all, value = false, ""
		}
		return value
	})
	return text, all
}

// subWith replaces names in a text, some of which have values of their own.
func (l intrinsics) subWith(text, names *yaml.Node) (string, bool) {
	local := map[string]string{}
	for _, p := range (value{l.r, names, "!Sub", names.Line}).pairs() {
		text, ok := p.scalar()
		if !ok {
			return "", false
		}
		local[p.key] = text
	}
	return l.sub(text.Value, local, text.Line)
}
