package sfclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	shapeLife  = time.Hour   // how long a description is used before asking again
	shapeRetry = time.Minute // the same for an older description if Salesforce did not answer
)

// Object describes an sObject as the run-as user sees it.
type Object struct {
	Name      string  `json:"name"`
	KeyPrefix string  `json:"keyPrefix"` // first three characters of its records' Ids; empty: none
	Fields    []Field `json:"fields"`

	// Permissions of the run-as user on its records.
	Queryable  bool `json:"queryable"`
	Createable bool `json:"createable"`
	Updateable bool `json:"updateable"`
	Deletable  bool `json:"deletable"`
}

// Field describes a field of an object as the run-as user sees it.
type Field struct {
	Name               string          `json:"name"`
	Label              string          `json:"label"`
	Type               string          `json:"type"`   // such as string, picklist or reference
	Length             int             `json:"length"` // characters; 0 where not applicable
	Createable         bool            `json:"createable"`
	Updateable         bool            `json:"updateable"`
	Nillable           bool            `json:"nillable"`
	DefaultedOnCreate  bool            `json:"defaultedOnCreate"`
	Calculated         bool            `json:"calculated"` // a formula or roll-up summary: read-only
	ExternalID         bool            `json:"externalId"`
	Unique             bool            `json:"unique"`
	RestrictedPicklist bool            `json:"restrictedPicklist"`
	Picklist           []PicklistValue `json:"picklistValues"`
	ReferenceTo        []string        `json:"referenceTo"` // objects that a reference may point to
}

// PicklistValue is one value of a picklist.
type PicklistValue struct {
	Value   string `json:"value"` // as stored in a record
	Label   string `json:"label"`
	Active  bool   `json:"active"`
	Default bool   `json:"defaultValue"` // used for a new record without a value
}

// Field finds a field by name, ignoring case.
func (o *Object) Field(name string) (Field, bool) {
	for _, f := range o.Fields {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return Field{}, false
}

// Has reports whether the object has a field that is visible to the run-as user.
func (o *Object) Has(field string) bool {
	_, found := o.Field(field)
	return found
}

// Fits reports whether an Id, of 15 or 18 characters, belongs to a record of this object.
func (o *Object) Fits(id string) bool {
	whole, ok := ID18(id)
	return ok && (o.KeyPrefix == "" || strings.HasPrefix(whole, o.KeyPrefix))
}

// shapes caches object descriptions.
type shapes struct {
	flight singleflight.Group
	mu     sync.Mutex
	held   map[string]description // by object
}

// description is an object as of a time on Salesforce's clock.
type description struct {
	object   *Object
	modified string    // Last-Modified
	until    time.Time // by our clock: when Shape asks again
}

// Describe returns the description of an object. Each call asks Salesforce whether it has changed. Until it has,
// Describe returns the same Object, so callers must not modify it.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-sobject-describe.html
func (c *Client) Describe(ctx context.Context, object string) (*Object, error) {
	held := c.shapes.get(object)
	path := "sobjects/" + segment(object) + "/describe"
	q := call{
		operation: "describe", method: http.MethodGet, path: path, since: held.modified,
		scopes: []string{ScopeObject(object)},
	}
	err := c.do(ctx, q, func(a *answer) (int, int, error) {
		if a.status == http.StatusNotModified {
			return 0, 0, nil
		}
		held = description{object: new(Object), modified: a.header.Get("Last-Modified")}
		return 0, 0, json.Unmarshal(a.body, held.object)
	})
	if refused, ok := errors.AsType[*Error](err); ok && refused.IsObjectDenied() {
		c.shapes.forget(object) // what is not visible must not count as gone
	}
	if err != nil {
		return nil, while(err, "describing %s", object)
	}
	c.shapes.keep(object, held, shapeLife)
	return held.object, nil
}

// Shape is Describe with an answer cached for an hour, for decisions that many batches make. While Salesforce
// does not answer, it returns the last known description, but not once it has denied access to the object. Of an
// object that Salesforce does not know, it returns what is the same in all orgs: whether the object exists is left to
// the calls that read or write its records, whose errors say so.
func (c *Client) Shape(ctx context.Context, object string) (*Object, error) {
	held := c.shapes.get(object)
	if held.object != nil && time.Now().Before(held.until) {
		return held.object, nil
	}
	asked := c.shapes.flight.DoChan(object, func() (any, error) { return c.Describe(context.WithoutCancel(ctx), object) })
	select {
	case <-ctx.Done():
		return nil, while(networkError(ctx, ctx.Err()), "describing %s", object)
	case result := <-asked:
		switch refused, _ := errors.AsType[*Error](result.Err); {
		case result.Err == nil:
			return result.Val.(*Object), nil
		case held.object != nil && (refused == nil || !refused.IsObjectDenied()):
			c.shapes.keep(object, held, shapeRetry)
			return held.object, nil
		case refused != nil && refused.Status == http.StatusNotFound:
			held = description{object: standardObject(object)}
			c.shapes.keep(object, held, shapeRetry)
			return held.object, nil
		}
		return nil, result.Err
	}
}

func (s *shapes) get(object string) description {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[object]
}

// IsObjectDenied reports whether the integration user may not see the object that a call describes, or there is none.
func (e *Error) IsObjectDenied() bool {
	return e.Status == http.StatusNotFound || e.ofObject && e.Class() != Transient
}

func (s *shapes) forget(object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, object)
}

func (s *shapes) keep(object string, d description, life time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[string]description{}
	}
	d.until = time.Now().Add(life)
	s.held[object] = d
}
