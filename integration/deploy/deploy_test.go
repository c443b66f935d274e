// Package deploy parses the deploy files of the examples. It is a module of its
// own, as nothing else needs to parse HCL.
package deploy

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v4"
)

const folder = "../../examples/deploy"

// at returns what is in nested maps.
func at(tree any, keys ...string) any {
	for _, key := range keys {
		object, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = object[key]
	}
	return tree
}

func TestYAML(t *testing.T) {
	for file, want := range map[string][]struct {
		keys  []string
		value any
	}{
		"serverless.yml": {
			{[]string{"component"}, "scf"},
			{[]string{"inputs", "runtime"}, "CustomRuntime"},
			{[]string{"inputs", "handler"}, "index.main_handler"},
			{[]string{"inputs", "src"}, "./function"},
			{[]string{"inputs", "environment", "variables", "BOOTSTRAP_LOG_LEVEL"}, "info"},
		},
		"s.yaml": {
			{[]string{"services", "shell", "component"}, "fgs"},
			{[]string{"services", "shell", "props", "function", "runtime"}, "Custom"},
			{[]string{"services", "shell", "props", "function", "handler"}, "index.main_handler"},
			{[]string{"services", "shell", "props", "function", "code", "codeUri"}, "./function"},
		},
		"template.yaml": {
			{[]string{"Transform"}, "AWS::Serverless-2016-10-31"},
			{[]string{"Resources", "Shell", "Type"}, "AWS::Serverless::Function"},
			{[]string{"Resources", "Shell", "Properties", "Runtime"}, "provided.al2023"},
			{[]string{"Resources", "Shell", "Properties", "Handler"}, "index.main_handler"},
			{[]string{"Resources", "Shell", "Properties", "Architectures"}, []any{"x86_64"}},
		},
	} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, w := range want {
			if got := at(tree, w.keys...); !reflect.DeepEqual(got, w.value) {
				t.Errorf("%s: %q: got %v, want %v", file, w.keys, got, w.value)
			}
		}
	}
}

func TestTerraform(t *testing.T) {
	for platform, want := range map[string]map[string]string{
		"scf":           {"type": "tencentcloud_scf_function", "runtime": "CustomRuntime"},
		"functiongraph": {"type": "huaweicloud_fgs_function", "runtime": "Custom"},
		"lambda":        {"type": "aws_lambda_function", "runtime": "provided.al2023"},
	} {
		file, problems := hclparse.NewParser().ParseHCLFile(filepath.Join(folder, "terraform", platform, "main.tf"))
		if problems.HasErrors() {
			t.Errorf("%s: %v", platform, problems)
			continue
		}
		found := false
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			if block.Type != "resource" || block.Labels[0] != want["type"] {
				continue
			}
			found = true
			for name, value := range map[string]string{"runtime": want["runtime"], "handler": "index.main_handler"} {
				attribute := block.Body.Attributes[name]
				if attribute == nil {
					t.Errorf("%s: there is no %s", platform, name)
					continue
				}
				if got, problems := attribute.Expr.Value(nil); problems.HasErrors() || got.AsString() != value {
					t.Errorf("%s: %s: got %v, %v, want %s", platform, name, got, problems, value)
				}
			}
		}
		if !found {
			t.Errorf("%s: there is no resource %s", platform, want["type"])
		}
	}
}
