"""What headers mean: the canonical columns that Chinese and English exports call so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...tables import CONTRACTS

_CUSTOMER = (
    "客户编号 客户编码 客户代码 客户号 客户ID 货主编号 货主代码 托运人编号 托运人代码 会员编号 "
    "customer_id customer_code customer_no customer cust_id cust_no client_id client_code "
    "shipper_id shipper_code account_id account_no seller_id merchant_id"
)
_WAYBILL = (
    "运单号 运单编号 运单号码 物流单号 快递单号 货运单号 提单号 单号 订单号 订单编号 "
    "waybill_no waybill waybill_number tracking_number tracking_no shipment_id shipment_no "
    "consignment_no awb order_id order_no asn/dn"
)

SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "customers": {
        "customer_id": _CUSTOMER,
        "parent_customer_id": "上级客户编号 母公司编号 集团客户编号 parent_customer_id parent_id",
        "region": "区域 大区 所属大区 所在大区 业务大区 所属区域 地区 销售区域 省份 "
        "region area sales_region state province",
        "industry": "行业 所属行业 industry sector",
        "contract_type": "合同类型 结算方式 合作类型 contract_type payment_terms",
        "depot": "网点 所属网点 营业部 站点 depot branch station",
        "onboarded_on": "建档日期 开户日期 签约日期 注册日期 入网日期 创建日期 合作开始日期 "
        "onboarded_on created_date signup_date registration_date customer_since opened_on",
    },
    "customer_names": {
        "customer_id": _CUSTOMER,
        "name": "客户名称 客户全称 客户简称 客户名 公司名称 公司全称 企业名称 企业全称 单位名称 "
        "货主名称 名称 customer_name company_name company shipper_name client_name name",
        "contact": "联系人 联系人姓名 contact contact_name contact_person",
        "phone": "联系电话 电话 手机 手机号 联系手机 联系方式 手机号码 电话号码 "
        "phone phone_no tel telephone mobile",
        "email": "邮箱 电子邮箱 电子邮件 email e-mail mail",
        "address": "地址 联系地址 详细地址 公司地址 address street",
        "tax_id": "统一社会信用代码 税号 纳税人识别号 信用代码 tax_no tax_id vat vat_no cnpj",
        "account_manager": "客户经理 销售经理 业务员 account_manager sales_rep sales_manager",
    },
    "shipments": {
        "shipment_id": _WAYBILL,
        "customer_id": _CUSTOMER,
        "shipped_at": "下单时间 下单日期 揽收时间 揽收日期 发货时间 发货日期 取件时间 提货时间 "
        "寄件时间 起运时间 揽件时间 ordered_at shipped_at picked_up picked_up_at pickup_date "
        "pickup_time ship_date shipment_date dispatch_date dispatched_at order_date order_time "
        "order_purchase_timestamp",
        "promised_at": "承诺送达 承诺日期 承诺送达时间 承诺送达日期 承诺时间 预计送达 预计送达时间 "
        "预计送达日期 预计到达时间 要求到货时间 应到时间 promised_at promised_date promised "
        "estimated_delivery_date expected_delivery expected_delivery_date "
        "scheduled_delivery_date delivery_deadline eta order_estimated_delivery_date",
        "delivered_at": "签收时间 签收日期 实际送达 送达时间 送达日期 妥投时间 到货时间 到货日期 "
        "delivered_at delivered delivered_on delivery_date actual_delivery_date pod_date "
        "delivered_to_client_date order_delivered_customer_date",
        "origin_region": "始发地 发货地 出发地 始发 起运地 寄件城市 始发城市 发货城市 origin "
        "origin_city from_city ship_from",
        "destination_region": "目的地 收货地 到达地 收件城市 目的城市 收货城市 destination dest "
        "destination_city to_city ship_to country",
        "service": "服务类型 产品类型 运输方式 时效产品 业务类型 service_type service "
        "product_type shipment_mode transport_mode mode",
        "cargo_type": "货物类型 货类 品类 品名 货物名称 cargo_type cargo commodity goods_type "
        "product_group",
        "weight_kg": "重量 计费重量 实际重量 毛重 weight_kg weight gross_weight "
        "chargeable_weight weight_kilograms",
        "revenue": "运费 运费收入 应收运费 收入 营业收入 金额 总运费 应收金额 revenue amount "
        "freight freight_charge freight_cost charge price freight_value",
        "cost": "运输成本 成本 承运成本 应付运费 cost shipping_cost transport_cost carrier_cost",
        "is_damaged": "破损 是否破损 货损 damaged is_damaged",
        "is_lost": "丢失 是否丢失 遗失 lost is_lost",
        "notified_at": "通知时间 异常通知时间 notified notified_at",
    },
    "tickets": {
        "ticket_id": "工单号 工单编号 投诉单号 投诉编号 ticket_id ticket_no case_id case_no",
        "customer_id": _CUSTOMER,
        "shipment_id": _WAYBILL,
        "opened_at": "受理时间 创建时间 投诉时间 提交时间 建单时间 opened_at created_at opened",
        "first_response_at": "首次响应时间 首次响应 首响时间 响应时间 首次回复时间 首次回复 "
        "回复时间 first_response_at responded_at first_response",
        "resolved_at": "办结时间 解决时间 关闭时间 完成时间 结案时间 resolved_at closed_at",
        "category": "类别 问题类型 投诉类型 工单类型 问题类别 category issue_type complaint_type",
        "is_first_contact_resolution": "一次解决 是否一次解决 first_contact_resolution fcr",
    },
    "surveys": {
        "survey_id": "问卷编号 问卷号 调查编号 survey_id response_id review_id",
        "customer_id": _CUSTOMER,
        "shipment_id": _WAYBILL,
        "sent_at": "发送时间 发放时间 sent_at invited_at review_creation_date",
        "answered_at": "回答时间 填写时间 答卷时间 answered_at review_answer_timestamp",
        "nps_score": "NPS 推荐意愿 推荐度 推荐分 nps nps_score",
        "csat_score": "满意度 满意度评分 评分 csat csat_score satisfaction review_score rating",
    },
    "service_costs": {
        "customer_id": _CUSTOMER,
        "month": "月份 账期 所属月份 年月 month period",
        "activity": "项目 服务项目 费用项目 activity cost_item",
        "cost": "金额 费用 服务成本 成本 cost amount",
    },
    "service_events": {
        "customer_id": _CUSTOMER,
        "service": "服务 服务名称 服务项目 service",
        "granted_at": "开通时间 授予时间 granted_at",
        "used_at": "使用时间 首次使用时间 used_at",
    },
    "receivables": {
        "invoice_id": "发票号 发票号码 账单号 invoice_id invoice_no",
        "customer_id": _CUSTOMER,
        "due_on": "到期日 到期日期 应收日期 付款期限 due_on due_date",
        "paid_on": "回款日 回款日期 付款日期 到账日期 paid_on paid_date payment_date",
        "amount": "金额 应收金额 发票金额 账单金额 amount invoice_amount",
    },
    "assignments": {
        "experiment_id": "实验编号 实验 experiment_id experiment",
        "customer_id": _CUSTOMER,
        "cluster_id": "网点 cluster_id cluster depot",
        "cluster_share": "cluster_share share",
        "arm_at_half": "arm_at_half",
        "stratum": "分层 stratum strata",
        "arm": "分组 组别 实验组别 arm group variant",
        "assigned_at": "分组时间 分组日期 assigned_at assigned_on",
    },
}
"""Table → canonical column → what exports call it, blanks between."""

CATEGORY_WORDS: Mapping[str, str] = {
    "delay": "延误 延迟 迟到 超时 时效 late delay delayed",
    "damage": "破损 货损 损坏 damage damaged broken",
    "loss": "丢失 遗失 丢件 loss lost missing",
    "service": "服务 态度 服务态度 service attitude",
    "other": "其他 其它 咨询 other others",
}

_SHORTEST_PART = 3
"""Characters of a synonym that may be a part of a header (two where it is Chinese)."""


@dataclass(frozen=True)
class Meaning:
    """What one header is taken for.

    Attributes:
        column: The canonical column.
        sure: The header is a known name of it, not only like one.
    """

    column: str
    sure: bool


def normal(header: str) -> str:
    """A header without unit, case, blanks and punctuation.

    Example:
        >>> normal("金额（万元）"), normal("Customer ID")
        ('金额', 'customerid')
    """
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"\(.*?\)|\[.*?\]|【.*?】", "", text) or text
    return re.sub(r"[\W_]+", "", text)


def meanings_of(headers: Sequence[str], table: str) -> dict[str, Meaning]:
    """Header → its canonical column of a table; headers that are like none are left out."""
    found: dict[str, Meaning] = {}
    taken: set[str] = set()
    for sure in (True, False):
        for header in headers:
            column = "" if header in found else _column(normal(header), table, sure, taken)
            if column:
                found[header] = Meaning(column, sure)
                taken.add(column)
    return found


def tables_of(headers: Sequence[str]) -> list[str]:
    """The canonical tables that a file can yield, the likeliest first; empty where none."""
    scores = {table: _score(meanings_of(headers, table), table) for table in SYNONYMS}
    best = max(scores, key=lambda table: scores[table])
    if scores[best] <= 1:
        return []
    if best in ("customers", "customer_names"):
        return [t for t in ("customers", "customer_names") if scores[t] > 1]
    return [best]


def lacking(found: Mapping[str, Meaning], table: str) -> list[str]:
    """Columns that the table must have and no header is taken for."""
    have = {meaning.column for meaning in found.values()}
    contract = CONTRACTS[table]
    needed = [n for n, c in contract.columns.items() if c.required or n in contract.key]
    return [name for name in needed if name not in have]


def _score(found: Mapping[str, Meaning], table: str) -> float:
    weight = sum(1.0 if meaning.sure else 0.5 for meaning in found.values())
    return weight - len(lacking(found, table))


def _column(header: str, table: str, sure: bool, taken: set[str]) -> str:
    for column, names in SYNONYMS[table].items():
        if column in taken or not header:
            continue
        words = [normal(word) for word in names.split()]
        if header in words if sure else any(_is_part(word, header) for word in words):
            return column
    return ""


def _is_part(word: str, header: str) -> bool:
    least = 2 if not word.isascii() else _SHORTEST_PART
    return len(word) > least and word in header
