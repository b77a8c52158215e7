// The grammar of JUnit XML that Jenkins' xUnit plug-in insists on (junit-10.xsd, in
// https://github.com/jenkinsci/xunit-plugin), written down anew as far as our reports use it: what
// it does not allow is not allowed here.
#pragma once

namespace harness::report {

inline constexpr char kJunitSchema[] = R"xsd(<?xml version="1.0"?>
<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema">
  <s:simpleType name="seconds">
    <s:restriction base="s:string"><s:pattern value="[0-9]*(\.[0-9]{0,3})?"/></s:restriction>
  </s:simpleType>
  <s:complexType name="verdict" mixed="true">
    <s:attribute name="type"/>
    <s:attribute name="message"/>
  </s:complexType>
  <s:complexType name="otherAttempt" mixed="true">
    <s:sequence><s:element name="stackTrace" type="s:string" minOccurs="0"/></s:sequence>
    <s:attribute name="type" use="required"/>
    <s:attribute name="message"/>
  </s:complexType>
  <s:complexType name="testcase">
    <s:choice minOccurs="0" maxOccurs="unbounded">
      <s:element name="failure" type="verdict"/>
      <s:element name="error" type="verdict"/>
      <s:element name="skipped" type="verdict"/>
      <s:element name="flakyFailure" type="otherAttempt"/>
      <s:element name="flakyError" type="otherAttempt"/>
      <s:element name="rerunFailure" type="otherAttempt"/>
      <s:element name="rerunError" type="otherAttempt"/>
      <s:element name="system-out" type="s:string"/>
      <s:element name="system-err" type="s:string"/>
    </s:choice>
    <s:attribute name="name" use="required"/>
    <s:attribute name="classname"/>
    <s:attribute name="time" type="seconds"/>
  </s:complexType>
  <s:complexType name="testsuite">
    <s:sequence>
      <s:element name="properties" minOccurs="0">
        <s:complexType>
          <s:sequence>
            <s:element name="property" minOccurs="0" maxOccurs="unbounded">
              <s:complexType>
                <s:attribute name="name" use="required"/>
                <s:attribute name="value" use="required"/>
              </s:complexType>
            </s:element>
          </s:sequence>
        </s:complexType>
      </s:element>
      <s:element name="testcase" type="testcase" minOccurs="0" maxOccurs="unbounded"/>
    </s:sequence>
    <s:attribute name="name" use="required"/>
    <s:attribute name="tests" type="s:unsignedInt" use="required"/>
    <s:attribute name="failures" type="s:unsignedInt" use="required"/>
    <s:attribute name="errors" type="s:unsignedInt" use="required"/>
    <s:attribute name="skipped" type="s:unsignedInt"/>
    <s:attribute name="time" type="seconds"/>
    <s:attribute name="timestamp" type="s:dateTime"/>
    <s:attribute name="hostname"/>
  </s:complexType>
  <s:element name="testsuites">
    <s:complexType>
      <s:sequence>
        <s:element name="testsuite" type="testsuite" minOccurs="0" maxOccurs="unbounded"/>
      </s:sequence>
      <s:attribute name="name"/>
      <s:attribute name="time" type="seconds"/>
      <s:attribute name="tests" type="s:unsignedInt"/>
      <s:attribute name="failures" type="s:unsignedInt"/>
      <s:attribute name="errors" type="s:unsignedInt"/>
    </s:complexType>
  </s:element>
</s:schema>
)xsd";

}  // namespace harness::report
