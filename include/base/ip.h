/* ip.h: what kind of address a text is. */
#ifndef BASE_IP_H
#define BASE_IP_H

enum ip_reach {
	IP_none, /* no address, but a name or nonsense */
	IP_public,
	/* Loopback, private, link-local (also 169.254.169.254, where clouds keep
	 * credentials), multicast or unspecified; also when mapped into IPv6. */
	IP_private,
};

/* Of a numeric IPv4 or IPv6 address without brackets and zone. */
enum ip_reach ip_reach(const char *text);

#endif
