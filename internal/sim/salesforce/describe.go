package salesforce

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Versions that the org lists. It answers a path with any version.
const (
	firstVersion  = 58 // Summer '23
	latestVersion = 68
)

func versions() []map[string]string {
	var list []map[string]string
	for v := firstVersion; v <= latestVersion; v++ {
		// There are three releases a year; winter's carries the number of the following year.
		season := []string{"Summer", "Winter", "Spring"}[(v-firstVersion)%3]
		year := 23 + (v-firstVersion+2)/3
		list = append(list, map[string]string{
			"label": fmt.Sprintf("%s '%d", season, year), "version": fmt.Sprintf("%d.0", v),
			"url": fmt.Sprintf("/services/data/v%d.0", v),
		})
	}
	return list
}

func (s *Sim) planResources(r request) operation {
	resources := map[string]string{}
	for _, name := range []string{"sobjects", "composite", "query", "queryAll", "limits"} {
		resources[name] = r.base() + "/" + name
	}
	return reading(r, opOther, "", func() any { return resources })
}

// planLimits handles /limits.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm
func (s *Sim) planLimits(r request) operation {
	return reading(r, opLimits, "", func() any {
		type limit struct{ Max, Remaining int }
		storage := limit{1024, 1024}
		if s.full {
			storage.Remaining = 0
		}
		return map[string]limit{
			"DailyApiRequests": {s.config.DailyLimit, s.config.DailyLimit - s.used},
			"DataStorageMB":    storage,
		}
	})
}

func (s *Sim) planGlobalDescribe(r request) operation {
	return reading(r, opDescribe, "", func() any {
		list := make([]map[string]any, len(s.tables))
		for i, t := range s.tables {
			list[i] = t.summary(r.base())
		}
		return map[string]any{"encoding": "UTF-8", "maxBatchSize": maxRows, "sobjects": list}
	})
}

func planBasicInfo(r request, t *table) operation {
	return reading(r, opDescribe, t.Name, func() any {
		return map[string]any{"objectDescribe": t.summary(r.base()), "recentItems": []any{}}
	})
}

// planDescribe handles /sobjects/{object}/describe.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
func planDescribe(r request, t *table) operation {
	return reading(r, opDescribe, t.Name, func() any {
		d := t.summary(r.base())
		fields := make([]map[string]any, len(t.columns))
		for i := range t.columns {
			fields[i] = t.columns[i].describe()
		}
		d["fields"] = fields
		d["childRelationships"], d["recordTypeInfos"] = []any{}, []any{}
		return d
	})
}

// reading is a GET without side effects; see runs under the simulator's lock.
func reading(r request, name, object string, see func() any) operation {
	if r.method != http.MethodGet {
		return notAllowed(r, "HEAD,GET")
	}
	return operation{name: name, object: object, run: func(*tx) answer {
		return answer{status: http.StatusOK,
			body: see()}
	}}
}

func (t *table) summary(base string) map[string]any {
	path := base + "/sobjects/" + t.Name
	return map[string]any{
		"name": t.Name, "label": t.Label, "labelPlural": t.Label + "s", "keyPrefix": t.Prefix,
		"custom": strings.HasSuffix(t.Name, "__c"), "customSetting": false, "activateable": false, "triggerable": true,
		"createable": true, "updateable": true, "deletable": true, "undeletable": true, "mergeable": false,
		"queryable": true, "retrieveable": true, "searchable": true, "replicateable": true, "layoutable": true,
		"urls": map[string]string{"sobject": path, "describe": path + "/describe", "rowTemplate": path + "/{ID}"},
	}
}

func (c *column) describe() map[string]any {
	size := map[string]int{"length": 0, "precision": 0, "scale": 0, "digits": 0}
	switch {
	case c.Type == Int:
		size["digits"] = 9
	case c.number():
		size["precision"], size["scale"] = 18, 2
	case c.text() || c.Type == ID || c.Type == Reference:
		size["length"] = c.Length
	}
	var relation any
	to := []string{}
	if c.Type == Reference {
		relation, to = c.relation, append(to, c.ReferenceTo)
	}
	values := make([]map[string]any, len(c.Values))
	for i, v := range c.Values {
		values[i] = map[string]any{"active": true, "defaultValue": v == c.Default, "label": v, "value": v, "validFor": nil}
	}
	return map[string]any{
		"name": c.Name, "label": c.Label, "type": c.Type, "soapType": soapType(c.Type),
		"length": size["length"], "byteLength": 3 * size["length"], "precision": size["precision"], "scale": size["scale"],
		"digits": size["digits"],
		"nillable": !c.Required && c.Type != Boolean &&
			c.index > colStamp, "createable": !c.ReadOnly, "updateable": !c.ReadOnly,
		"defaultedOnCreate": c.Default != nil || c.Type == Boolean || c.Name == "OwnerId" || c.index <= colStamp,
		"defaultValue":      c.Default, "calculated": c.Calculated, "autoNumber": false,
		"custom":     strings.HasSuffix(c.Name, "__c"),
		"externalId": c.ExternalID, "unique": c.Unique, "caseSensitive": false, "idLookup": c.ExternalID || c.index == colID,
		"nameField": c.Name == "Name", "filterable": c.query.Filterable, "sortable": c.query.Filterable,
		"groupable":          c.query.Filterable && !c.number(),
		"restrictedPicklist": c.Restricted, "dependentPicklist": false, "picklistValues": values,
		"referenceTo": to, "relationshipName": relation, "polymorphicForeignKey": false,
		"compoundFieldName": nil, "extraTypeInfo": nil, "inlineHelpText": nil, "deprecatedAndHidden": false,
		"permissionable": !c.Required,
	}
}

func soapType(t Type) string {
	switch t {
	case ID, Reference:
		return "tns:ID"
	case Double, Currency:
		return "xsd:double"
	case Int, Boolean, Date:
		return "xsd:" + string(t)
	case DateTime:
		return "xsd:dateTime"
	}
	return "xsd:string"
}

// count counts a call against the daily limit.
func (s *Sim) count(operation string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.config.Now(); now.Sub(s.since) >= 24*time.Hour {
		s.since, s.used = now, 0
	}
	s.calls[operation]++
	if s.used >= s.config.DailyLimit {
		return fail("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").with(http.StatusForbidden)
	}
	s.used++
	return nil
}

func (s *Sim) limitInfo() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("api-usage=%d/%d", s.used, s.config.DailyLimit)
}
