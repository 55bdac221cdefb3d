package sfclient

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// salesforceDomains lists the domains whose subdomains are all Salesforce's.
//
// https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
var salesforceDomains = []string{
	"salesforce.com", "force.com", "cloudforce.com", "visualforce.com", "salesforce.mil", "crmforce.mil", "sfcrmapps.cn",
	"sfcrmproducts.cn",
}

// hosts decides which hosts may receive a token.
type hosts struct {
	login   *url.URL
	further []string // host, with any port, or host:port
}

func newHosts(loginURL string, further []string) (hosts, error) {
	u, err := url.Parse(loginURL)
	switch {
	case loginURL == "":
		return hosts{}, errors.New("salesforce login URL: missing")
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return hosts{}, errors.New("salesforce login URL: must be a scheme and a host, such as https://acme.my.salesforce.com")
	case !private(u):
		return hosts{}, errors.New("salesforce login URL: must begin with https:// (http:// is accepted for this machine " +
			"only)")
	}
	lower := make([]string, len(further))
	for n, host := range further {
		lower[n] = strings.ToLower(host)
	}
	u.Host = strings.ToLower(u.Host)
	return hosts{login: u, further: lower}, nil
}

// instance checks the instance_url of a login's answer. Anyone who could forge it would receive the token,
// and with it the org's data.
func (h hosts) instance(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || !private(u) {
		return nil, &Error{Code: codeForeignHost}
	}
	origin := &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if origin.Hostname() == h.login.Hostname() || // with any port: the answer comes from this host
		port(origin) == "443" && isSalesforce(origin.Hostname()) ||
		slices.Contains(h.further, origin.Hostname()) ||
		slices.Contains(h.further, net.JoinHostPort(origin.Hostname(), port(origin))) {
		return origin, nil
	}
	return nil, &Error{Code: codeForeignHost}
}

// audience returns the audience claim for the assertion of a JWT bearer login.
//
// https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
func (h hosts) audience() string {
	host := h.login.Hostname()
	name, domain, _ := strings.Cut(host, ".")
	switch {
	case !isSalesforce(host):
		return h.login.Scheme + "://" + h.login.Host
	case host == "test.salesforce.com", strings.Contains(name, "--"), strings.HasPrefix(domain, "sandbox."),
		strings.HasPrefix(domain, "scratch."):
		return "https://test.salesforce.com"
	}
	return "https://login.salesforce.com"
}

func isSalesforce(host string) bool {
	return slices.ContainsFunc(salesforceDomains, func(domain string) bool { return strings.HasSuffix(host, "."+domain) })
}

// private reports whether the connection is protected from eavesdropping: https, or http that does not leave
// the machine.
func private(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	loopback := strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
