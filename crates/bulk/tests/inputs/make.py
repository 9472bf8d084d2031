"""Makes the workbooks in this folder: make.py, with openpyxl, xlsxwriter, xlwt and msoffcrypto-tool.

links.xlsx and inline.xlsx have the same rows, as two programs write them. The tests expect their
contents, so change both together. damaged.xlsx is links.xlsx with a row number in its sheet that
overflows, changed by hand.
"""

import datetime
import io
import os


import openpyxl
import xlsxwriter
import xlwt
from msoffcrypto.format.ooxml import OOXMLFile

out = os.path.dirname(os.path.abspath(__file__))
ACCOUNT, APPID = "wx0a00000000000001", "wx0b00000000000001"
NAMES = ["account", "appid", "notify_users", "show_profile", "备注", "编号", "金额", "日期", "时间"]
DAY, TIME = datetime.date(2026, 11, 26), datetime.datetime(2026, 11, 26, 8, 30)
FIRST = [ACCOUNT, APPID, 0, True, '茶, "x"\ny', 13800138000, 0.1 + 0.2, DAY, TIME, "stray"]
SECOND = [ACCOUNT, "wx0b00000000000002", "是", "否"]

book = openpyxl.Workbook()
hidden = book.active
hidden.title = "Hidden"
hidden.sheet_state = "hidden"
hidden.append(["not the rows"])
rows = book.create_sheet("关联")
for number, cells in [(2, NAMES), (3, FIRST), (5, [None, "  "]), (6, SECOND)]:
    for column, value in enumerate(cells, 1):
        rows.cell(number, column, value)
book.create_sheet("Other").append(["nothing"])
wrong = book.create_sheet("Wrong")
wrong.append(NAMES[:4])
wrong.append([ACCOUNT, "#N/A", 0, 1])
book.active = 1
book.save(f"{out}/links.xlsx")

book = xlsxwriter.Workbook(f"{out}/inline.xlsx", {"constant_memory": True})
sheet = book.add_worksheet("关联")
day, time = (book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"))
sheet.write_row(1, 0, NAMES)
sheet.write_formula(2, 0, '="wx0a"&"00000000000001"', None, ACCOUNT)
sheet.write_row(2, 1, FIRST[1:7])
sheet.write_datetime(2, 7, DAY, day)
sheet.write_datetime(2, 8, TIME, time)
sheet.write_string(2, 9, "stray")
sheet.write_string(4, 1, "  ")
sheet.write_row(5, 0, SECOND)
book.close()

book = openpyxl.Workbook()
book.active.append(NAMES[:4])
plain = io.BytesIO()
book.save(plain)
plain.seek(0)
with open(f"{out}/protected.xlsx", "wb") as file:
    OOXMLFile(plain).encrypt("password", file)

book = xlwt.Workbook()
sheet = book.add_sheet("rows")
for column, name in enumerate(NAMES[:4]):
    sheet.write(0, column, name)
book.save(f"{out}/old.xls")
