package column

// Written returns the value in the form that Monday's API expects in column_values; nil clears the column. An unchecked
// checkbox is written as a cleared one.
//
// https://developer.monday.com/api-reference/docs/change-column-values
func (v Value) Written() any {
	if v.Type == Checkbox {
		if !v.Checked {
			return nil
		}
		return map[string]any{"checked": "true"}
	}
	if v.Empty() {
		return nil
	}
	switch v.Type {
	case BoardRelation:
		return map[string]any{"item_ids": v.IDs}
	case Country:
		return map[string]any{"countryCode": v.Code, "countryName": v.Text}
	case Date:
		if v.Time == "" {
			return map[string]any{"date": v.Text}
		}
		return map[string]any{"date": v.Text, "time": v.Time}
	case Dropdown:
		return map[string]any{"labels": v.Labels}
	case Email:
		return map[string]any{"email": v.Text, "text": v.Text}
	case Link:
		return map[string]any{"url": v.Text, "text": v.Text}
	case LongText:
		return map[string]any{"text": v.Text}
	case People:
		return map[string]any{"personsAndTeams": v.persons()}
	case Phone:
		return map[string]any{"phone": v.Text, "countryShortName": v.Code}
	case Status:
		return map[string]any{"label": v.Text}
	}
	return v.Text
}

func (v Value) persons() []map[string]any {
	list := make([]map[string]any, len(v.IDs))
	for n, id := range v.IDs {
		list[n] = map[string]any{"id": id, "kind": "person"}
	}
	return list
}
