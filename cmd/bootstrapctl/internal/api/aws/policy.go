package aws

import (
	"encoding/json"
	"net/http"
	"slices"
)

// A statement is a permission in the policy of a function. Nothing here checks
// permissions, but Terraform adds them and reads them again.
type statement struct {
	id   string
	text json.RawMessage
}

// getPolicy returns the policy of a function, if it has statements.
func (c *call) getPolicy() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	statements := c.notesOf(f).statements
	if len(statements) == 0 {
		return reply{}, notFound("The resource you requested does not exist.")
	}
	var list []json.RawMessage
	for _, s := range statements {
		list = append(list, s.text)
	}
	policy, _ := json.Marshal(object{"Version": "2012-10-17", "Id": "default", "Statement": list}) // never fails
	return reply{http.StatusOK, object{"Policy": string(policy), "RevisionId": revision(f.Describe())}}, nil
}

// addPermission adds a statement to the policy of a function.
func (c *call) addPermission() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	var in struct{ StatementId, Action, Principal string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.StatementId == "" || in.Action == "" || in.Principal == "" {
		return reply{}, violation("", "statementId", "StatementId, Action and Principal must not be empty")
	}
	text, _ := json.Marshal(object{"Sid": in.StatementId, "Effect": "Allow", "Principal": principal(in.Principal), // strings: never fails
		"Action": in.Action, "Resource": c.arn(ref)})
	taken := false
	c.note(f, func(n *notes) {
		if taken = n.find(in.StatementId) >= 0; !taken {
			n.statements = append(n.statements, statement{in.StatementId, text})
		}
	})
	if taken {
		return reply{}, conflict("The statement id (" + in.StatementId + ") provided already exists. Please provide a new statement id, or remove the existing statement.")
	}
	return reply{http.StatusCreated, object{"Statement": string(text)}}, nil
}

// principal returns the principal of a permission in the form that a policy has.
func principal(name string) any {
	if name == "*" {
		return name
	}
	return object{"Service": name}
}

// find returns the index of a statement, or -1.
func (n *notes) find(id string) int {
	return slices.IndexFunc(n.statements, func(s statement) bool { return s.id == id })
}

// removePermission removes a statement from the policy of a function.
func (c *call) removePermission() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	found := false
	c.note(f, func(n *notes) {
		i := n.find(c.r.PathValue("statement"))
		if found = i >= 0; found {
			n.statements = slices.Delete(n.statements, i, i+1)
		}
	})
	if !found {
		return reply{}, notFound("No policy is associated with the given resource.")
	}
	return reply{status: http.StatusNoContent}, nil
}

// getCodeSigning says that a function has no configuration of code signing.
func (c *call) getCodeSigning() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusOK, object{"FunctionName": f.Name(), "CodeSigningConfigArn": ""}}, nil
}
