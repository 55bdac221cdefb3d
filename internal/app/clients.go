package app

import (
	"crmsync/mondayclient"
	"crmsync/sfclient"
)

func newSalesforce(c Config, m *apiMetrics) (*sfclient.Client, error) {
	return sfclient.New(sfclient.Config{
		LoginURL: c.SalesforceLogin, ClientID: c.SalesforceClientID, ClientSecret: c.SalesforceSecret,
		Username: c.SalesforceUser, PrivateKey: c.SalesforcePrivateKey, APIVersion: c.SalesforceVersion,
		InstanceHosts: c.SalesforceHosts,
		UserAgent:     "crmsync", Observe: m.observe("salesforce"),
		Usage: func(used, limit int) { m.usage.Set(float64(used)); m.limit.Set(float64(limit)) },
	})
}

func newMonday(c Config, m *apiMetrics) (*mondayclient.Client, error) {
	return mondayclient.New(mondayclient.Config{
		URL: c.MondayURL, Token: c.MondayToken, Version: c.MondayVersion, UserAgent: "crmsync", Observe: m.observe("monday"),
		Complexity: func(remaining int) { m.complexity.Set(float64(remaining)) },
	})
}
