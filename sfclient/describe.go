package sfclient

import (
	"context"
	"encoding/json"
	"net/http"
)

// Object is what an sObject is made of.
type Object struct {
	Name   string  `json:"name"`
	Fields []Field `json:"fields"`
}

// Field is one field of an object, as the login's user may use it.
type Field struct {
	Name               string          `json:"name"`
	Label              string          `json:"label"`
	Type               string          `json:"type"`   // such as string, picklist or reference
	Length             int             `json:"length"` // characters; 0 where it has no meaning
	Createable         bool            `json:"createable"`
	Updateable         bool            `json:"updateable"`
	Nillable           bool            `json:"nillable"`
	DefaultedOnCreate  bool            `json:"defaultedOnCreate"`
	ExternalID         bool            `json:"externalId"`
	Unique             bool            `json:"unique"`
	RestrictedPicklist bool            `json:"restrictedPicklist"`
	Picklist           []PicklistValue `json:"picklistValues"`
	ReferenceTo        []string        `json:"referenceTo"` // objects that a reference may point to
}

// PicklistValue is one choice of a picklist.
type PicklistValue struct {
	Value   string `json:"value"` // what a record holds
	Label   string `json:"label"`
	Active  bool   `json:"active"`
	Default bool   `json:"defaultValue"` // what a new record has that says nothing
}

// description is an object as it was at a time of Salesforce's clock.
type description struct {
	object   *Object
	modified string // Last-Modified
}

// Describe reads what an object is made of. Each time it asks whether that has changed, and hands out the same Object
// until then: it is not to be changed.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-sobject-describe.html
func (c *Client) Describe(ctx context.Context, object string) (*Object, error) {
	q := call{operation: "describe", method: http.MethodGet, path: "sobjects/" + segment(object) + "/describe"}
	known, _ := c.described.Load(object)
	held, _ := known.(*description)
	if held != nil {
		q.since = held.modified
	}
	err := c.do(ctx, q, func(a *answer) (int, int, error) {
		if a.status == http.StatusNotModified {
			return 0, 0, nil
		}
		held = &description{object: new(Object), modified: a.header.Get("Last-Modified")}
		return 0, 0, json.Unmarshal(a.body, held.object)
	})
	if err != nil {
		return nil, while(err, "describing %s", object)
	}
	c.described.Store(object, held)
	return held.object, nil
}
