package aws

import (
	"maps"
	"net/http"
)

func (c *call) listTags() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	tags := c.notesOf(f).tags
	if tags == nil {
		tags = map[string]string{}
	}
	return reply{http.StatusOK, object{"Tags": tags}}, nil
}

func (c *call) tag() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Tags map[string]string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	c.note(f, func(n *notes) { maps.Copy(n.tags, in.Tags) })
	return reply{status: http.StatusNoContent}, nil
}

func (c *call) untag() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	c.note(f, func(n *notes) {
		for _, key := range c.r.URL.Query()["tagKeys"] {
			delete(n.tags, key)
		}
	})
	return reply{status: http.StatusNoContent}, nil
}
